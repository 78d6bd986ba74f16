"""The outside world on real sockets, for trying Pilothouse out and for its tests.

Every server here speaks the official wire of the system that it stands in for. Nothing in this package imports
`bot` or `commands`: the bot meets these servers exactly as it meets the real ones, by URL and token.
"""
