"""Block Kit as Slack's server checks it: limits, required fields, what may stand where (S19).

The SDK's model classes check some of this on the client, and plain dicts not at all (S20), so a stand-in has to
check everything itself.
"""
