"""How long the world's Argo CD takes, in seconds at speed 1."""

DETECT = 0.8  # from a push to the refresh, without a webhook
AT_ONCE = 100  # Applications that are compared at once after a push; the next ones take their turn
TURN = 0.5
PICK_UP = 0.1  # from a requested operation to its state (A14: the reply comes before)
SYNC = 1.5
SETTLE = 0.3  # from the operation's end to the next reconcile: until then health is the old one (A19)
ROLLOUT = 3.0
RESYNC = 120.0  # the poll: what nobody announced (an opened window, a commit) is noticed then (A32)
JITTER = 60.0  # at most this much later, so that not all Applications are compared at once
DIFF_CACHE = 120.0  # from a refusal by server-side diff until a stale cache answers in its place (A28)
SELF_HEAL = 2.0  # from a sync that did not last to the next; three times as long each time
SELF_HEAL_LONGEST = 300.0
