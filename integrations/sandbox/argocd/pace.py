"""How long the world's Argo CD takes, in seconds at speed 1."""

DETECT = 0.8  # from a push to the refresh, without a webhook
PICK_UP = 0.1  # from a requested operation to its state (A14: the reply comes before)
SYNC = 1.5
SETTLE = 0.3  # from the operation's end to the next reconcile: until then health is the old one (A19)
ROLLOUT = 3.0
RESYNC = 20.0  # a window that opened or closed is noticed by then
