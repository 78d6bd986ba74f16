"""Gates: one question each about one app's move to an environment, answered as a Verdict.

A gate is handed only the ports that its constructor declares, has a name, a model of the options that policy may give
it, and one coroutine `ask`. Third parties add theirs through the entry-point group `pilothouse.gates`.
"""
