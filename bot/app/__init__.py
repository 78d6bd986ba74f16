"""The composition root: everything is made here, handed to what needs it, started, and stopped in order.

`core` makes every part between what comes in and the outside world, `assembly` puts it over the real clients, `serving`
makes it reachable, `lifetime` starts and stops it.
"""
