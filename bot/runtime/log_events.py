"""What each event of the log means: docs/reference shows it, and a test holds the two together.

One sentence each: what happened, then what to do. Where it names nothing to do, there is nothing to do. The code names
an event by its string alone: only the reference needs this module.
"""

from collections.abc import Mapping
from types import MappingProxyType

MEANINGS: Mapping[str, str] = MappingProxyType(
    {
        "answer.not_ephemeral": "Slack did not show an answer to one person only, so it went as a direct message.",
        "answer.not_noted": "The database was away, so the menu of this answer does not know its app.",
        "answer.not_shown": (
            "Slack did not take an answer; "
            "while Slack is busy it is sent again, and if it refuses, its reason is in `error`."
        ),
        "answer.response_url_failed": (
            "Slack's address for this answer has run out or did not respond, so the answer went another way."
        ),
        "approval.directory_unavailable": (
            "Slack could not confirm who voted, so the vote did not count and that person heard it; "
            "if it repeats, look at Slack's status."
        ),
        "approval.pull_request_unreadable": (
            "The pull request could not be read, so an approval did not count; if it repeats, run `pilothouse doctor`."
        ),
        "approvers.too_many": "More people may approve than are asked by direct message; the card asks the others.",
        "approvers.late": "Slack took too long to name everybody who may approve, so the card lists only some.",
        "approvers.unknown": (
            "Slack did not answer for this group or person, so nobody of it is mentioned; "
            "if it repeats, check the app's scopes."
        ),
        "argocd.list_failed": "Argo CD did not return its list of Applications; it is asked again automatically.",
        "argocd.stream_lost": (
            "The stream of Argo CD broke off; it is opened again automatically, and until then the list is polled."
        ),
        "argocd.stream_refused": "Argo CD refused the stream; check the token's permissions with `pilothouse doctor`.",
        "bot.ready": "The bot is connected and takes requests; `resumed` is how many promotions it continued.",
        "bot.stopped": "The bot has stopped; promotions under way continue at the next start.",
        "bot.stopping": "The bot got a signal to stop; it takes no new requests and lets the running ones end.",
        "bulletin.not_shown_yet": (
            "A message could not be posted to this channel and is tried again; invite the bot if it is not a member."
        ),
        "caller.unknown": (
            "Slack could not confirm who sent a request, so nothing was done; if it repeats, look at Slack's status."
        ),
        "card.edit_refused": (
            "Slack refused to edit a card, for example one that is too old; the next change is tried again."
        ),
        "card.gone": "Somebody deleted the message of a card, so it is posted again.",
        "card.not_shown": "Slack did not take a card or its newest state; it is tried again after `again_in` seconds.",
        "card.post_failed": "A promotion continues without a card, because Slack did not take it; it is posted later.",
        "channels.lookup_timed_out": (
            "Slack took too long to find the channels of the policy at the start; each is looked up when it is needed."
        ),
        "channels.not_found": (
            "Slack knows no such channel or hides it; correct the name in the policy, or invite the bot to the channel."
        ),
        "chart.not_sent": (
            "The chart of `/dora` could not be drawn or uploaded, so the person got the numbers only; `error` says why."
        ),
        "commit.foreign_trailer": (
            "A commit names a promotion but changes something else, so it is not taken for the promotion's; "
            "find out who made it."
        ),
        "commit.revert_failed": (
            "A merge held more than was approved and could not be taken back; revert it yourself, now."
        ),
        "copies.not_looked": (
            "A search for approvers who still need a direct message failed; "
            "it is repeated, and the traceback is for a bug report."
        ),
        "copy.no_permalink": "Slack gave no link to a card, so a direct message goes without one.",
        "copy.not_moved": "An old direct message could not be removed, so the newer one waits.",
        "database.available": "The database answers again, after so many seconds.",
        "database.login_changed": (
            "The file of the database URL names a new user or password, which new connections use."
        ),
        "database.unavailable": (
            "The database does not answer, so nothing is taken on until it does; check the server and the network."
        ),
        "database.url_needs_restart": (
            "The file of the database URL names another server or database; restart the bot to use it."
        ),
        "delegation.not_looked_up": (
            "Slack refuses to show somebody who is away, so nobody approves on their behalf; their stand-in keeps the "
            "rights that are their own."
        ),
        "deliveries.annotation_without_effect": (
            "An annotation in Argo CD, of these apps or of their project, subscribes nobody; use a trigger of Argo "
            "CD's catalogue, and name a channel."
        ),
        "deliveries.authors_not_known": (
            "Slack could not say who wrote the source commits of a change, so its message goes without them for now; "
            "it is tried again."
        ),
        "deliveries.branch_lost": (
            "The overlay branch was moved by force, and git no longer has the commit that was read last: what is on "
            "record was compared with what is there now, and other changes in between are not known."
        ),
        "deliveries.branch_not_read": (
            "The overlay branch could not be read for the delivery record; it is tried again in a few seconds."
        ),
        "deliveries.commits_not_known": (
            "The source commits of a deployment could not be looked up yet, so messages and DORA's figures go without "
            "them; it is tried again for 30 days."
        ),
        "deliveries.drift_not_compared": (
            "Whether an Application differs from git could not be compared; it is tried again."
        ),
        "deliveries.names_not_read": "The list of apps could not be read from git; it is tried again at the next look.",
        "deliveries.news_not_told": (
            "News of deliveries could not be sent; they are tried again, and the traceback is for a bug report."
        ),
        "deliveries.nobody_to_tell": (
            "The policy routes news of this app and environment to nobody; add a route if somebody needs it."
        ),
        "deliveries.not_judged": (
            "Whether a commit runs could not be judged, because a system did not answer; it is tried again."
        ),
        "deliveries.not_looked_up": "A look-up for the delivery record failed; it is repeated after `again_seconds`.",
        "deliveries.not_the_promotions_commit": (
            "A commit equals what a promotion was about to write, but is not its own, so it counts as made by hand."
        ),
        "deliveries.observer_ended": (
            "An observer of the delivery record broke off; it starts again, on this replica or another."
        ),
        "deliveries.project_not_read": (
            "The annotations of an Argo CD project could not be read; "
            "if it repeats, check the token with `pilothouse doctor`."
        ),
        "deliveries.scan_not_read": "Harbor did not return the scan of a new image; it is asked again.",
        "deliveries.sync_not_compared": (
            "What somebody synced by hand could not be compared with git; it is tried again."
        ),
        "gate.broke": (
            "A gate that is skipped broke when it was asked, which stops nothing; the traceback is for a bug report."
        ),
        "git.cache_broken": (
            "git could not use its local cache, so the cache is built again; if it repeats, check the disk."
        ),
        "handler.broke": "A request ended with an unexpected error; the traceback is for a bug report.",
        "handlers.cancelled": (
            "Requests did not end within the time for a stop and were cancelled; the next start does them again."
        ),
        "home.not_shown": (
            "Slack did not take the Home tab of a person; it is sent again when the person next opens it."
        ),
        "housekeeping.broke": (
            "A periodic task failed; it runs again in the next round, and the traceback is for a bug report."
        ),
        "http.connection_closed": "A client was too slow to send its request and was disconnected.",
        "loop.cancelled": "A background loop was cancelled from inside and starts again; if it repeats, report it.",
        "loop.crashed": (
            "A background loop failed and starts again; "
            "if it repeats, `/livez` fails and the traceback is for a bug report."
        ),
        "loop.ended": "A background loop ended although it never should, and starts again; report it.",
        "modal.closed": "The person closed the window before its content arrived.",
        "outbox.not_for_them": "A message was not sent, because its recipient may no longer view the app.",
        "outbox.thread_is_gone": (
            "The message that a reply belongs to was deleted, so the reply was posted to the channel."
        ),
        "overlay.look_failed": (
            "git could not say whether the overlay had changed; the promotion asks again before it commits."
        ),
        "overlay.not_told": (
            "The files of an overlay do not say which images they set; "
            "deploys to it are refused with the reason in `why`."
        ),
        "overlays.look_failed": (
            "git could not say whether overlays of waiting promotions had changed; it is asked again in the next round."
        ),
        "pipeline_hold.asked": (
            "A pipeline asked whether it may write an overlay, and `held` names the gates that say no."
        ),
        "pipeline_hold.refused": "A pipeline asked with a wrong token; give its Secret and the bot the same one.",
        "pipeline_hold.secret_unreadable": (
            "The file of the pipeline's token could not be read; check that it exists and its permissions."
        ),
        "pipeline_hold.unknown": (
            "A gate could not say whether a pipeline may write an overlay, so the pipeline waits; `why` has the reason."
        ),
        "policy.changed": (
            "The policy differs from the one of the last start, and the audit says so; nothing to do if you changed it."
        ),
        "policy.unguarded": (
            "The policy lets something through that most teams guard; `what` says what, and how to guard it."
        ),
        "probe.no_answer": "A part that `/readyz` asks for did not answer this time; `error` says which.",
        "promotion.committed": "A promotion wrote its commit to the overlay branch.",
        "promotion.ended": "A promotion is over; `phase` and `outcome` say how.",
        "promotion.ended_without_story": (
            "A promotion could not continue after a restart and was ended; "
            "`outcome` says what git has, so check the environment."
        ),
        "promotion.not_ended_yet": (
            "A promotion that cannot continue could not be ended, because a system did not answer; it is tried again."
        ),
        "promotion.settled": "It was unknown whether a promotion had committed, and now it is known.",
        "promotion.still_in_doubt": (
            "It is still unknown whether a promotion committed, because git did not answer; it is tried again."
        ),
        "queue.broke": (
            "An entry of this queue failed unexpectedly and is set aside; the traceback is for a bug report."
        ),
        "queue.given_up": (
            "An entry of this queue is given up, refused or after too many tries; "
            "`error` says why, and what it should do was not done."
        ),
        "queue.not_done": "An entry of this queue failed and is tried again after `again_in` seconds.",
        "queue.not_looked": "Whether a queued deploy is free to start could not be looked up; it is tried again.",
        "queue.round_broke": "A round of this queue failed and is repeated; the traceback is for a bug report.",
        "queue.start_delayed": "A queued or scheduled deploy could not start yet; it is tried again.",
        "queue.work_left_behind": "At a stop some work of this queue did not end in time; the next start does it.",
        "reminder.alarm_not_sent": (
            "An administrator could not get an alarm about a promotion; `error` says why, and the channels have it."
        ),
        "reminder.not_removed": "An older reminder could not be deleted, so both are visible.",
        "reminder.not_sent": (
            "A reminder or alarm could not be posted to this channel; invite the bot if it is not a member."
        ),
        "reminder.refusal_not_sent": (
            "A person could not hear why a press did not count; nothing to do unless it repeats."
        ),
        "replicas.round_failed": (
            "A replica could not tell whether the others live; it looks again, and the traceback is for a bug report."
        ),
        "replicas.taken_over": (
            "Another replica was silent for too long, so this one continued its promotions; "
            "find out why `gone` stopped."
        ),
        "request.delivered_again": "Slack delivered a request twice, and it was done once.",
        "request.failed": (
            "A request ended with an unexpected error; "
            "the person has the `correlation_id`, and the traceback is for a bug report."
        ),
        "request.not_taken": (
            "The database was failing when somebody asked, and did not have the request; they were told that it is "
            "not done."
        ),
        "request.not_settled": "A request is done but could not be marked as done; it is marked in the next round.",
        "request.refused": "Somebody asked for what is not possible or not allowed, and got `reason` as the answer.",
        "request.taken_up": "A request that an earlier process or another replica left behind is done now.",
        "request.unreadable": "A request of Slack could not be read; if it repeats, the traceback is for a bug report.",
        "review.not_shown": (
            "A review of a break-glass counts, but its card could not be updated; the next change of the card shows it."
        ),
        "roster.broke": (
            "A look-up of the policy's groups failed; it runs again, and the traceback is for a bug report."
        ),
        "roster.late": (
            "Slack took too long to name the policy's groups at the start; "
            "messages show them by name until the next round."
        ),
        "roster.unanswered": (
            "Slack could not look up groups or persons of the policy; if it repeats, check the app's scopes."
        ),
        "roster.unreachable": (
            "Nobody can do something that the policy asks for, for example approve; `what` says what to change."
        ),
        "runs.follow_failed": "The messages of pipeline runs could not be updated; it is tried again.",
        "runs.not_looked_for": "Whether pipeline runs still exist could not be looked up; it is tried again.",
        "schedule.not_looked": (
            "Whether a deployment window is open could not be looked up for a scheduled deploy; it is tried again."
        ),
        "slack.cannot_look_for_earlier_post": (
            "Slack did not let the bot read a channel for what it had posted before, so a message may appear twice; "
            "check its scopes."
        ),
        "slack.handle_taken_over": (
            "Another Slack group took over the handle of an earlier one and gets none of its roles; "
            "name the group by its id if you mean it."
        ),
        "slack.malformed_request": (
            "A request claims to be from Slack but cannot be read, so it was refused; "
            "if it repeats, check who can reach the port."
        ),
        "slack.secret_unreadable": (
            "The file of Slack's signing secret could not be read; check that it exists and its permissions."
        ),
        "slack.unsigned_request": (
            "A request without Slack's signature was refused; if Slack itself gets this, check the signing secret."
        ),
        "source.commits_unknown": (
            "The commits between two images could not be looked up, so the card goes without them."
        ),
        "step.failed": "A step of a promotion failed unexpectedly and ended it; the traceback is for a bug report.",
        "step.invariant_broken": (
            "A promotion stopped rather than do something unsafe; read `error`, check the environment, and report it."
        ),
        "step.refused": (
            "A system refused its part of a promotion and ended it; "
            "`error` says why, and `pilothouse doctor` checks permissions."
        ),
        "step.waits": "A system did not answer a step of a promotion; the step is tried again.",
        "stories.not_begun": (
            "Promotions could not begin in this round; it is repeated, and the traceback is for a bug report."
        ),
        "story.taken_up": "A promotion that ran nowhere continues on this replica.",
        "successor.not_started": (
            "What should follow a promotion, such as its rollback, did not start; "
            "`error` or `other` says why, so check the environment."
        ),
        "suggestions.failed": (
            "A list of choices in Slack stayed empty, because looking them up failed; `error` says why."
        ),
        "system.refused": (
            "A system refused what a request needs, and the person got the remedy; `detail` is what the system said."
        ),
        "system.unavailable": (
            "A system did not answer a request, and the person heard which; if it repeats, look at that system."
        ),
        "tekton.watch_lost": "The watch of Tekton's objects broke off; it is opened again automatically.",
        "webhook.administrators_unknown": (
            "Slack could not name the administrators, so they get no message about this webhook; "
            "check the name in the policy."
        ),
        "webhook.alerts_unreadable": (
            "Some alerts of a delivery by Alertmanager could not be read and are left out; "
            "check that receiver's template."
        ),
        "webhook.nobody_to_tell": (
            "The policy names no channel for this alert, failed run or webhook; set `channels.default` or a route."
        ),
        "webhook.not_recorded": "A webhook arrived that only the delivery record uses, and this process keeps none.",
        "webhook.not_told": (
            "Administrators could not hear that a webhook is given up; the traceback is for a bug report."
        ),
        "webhook.refused": (
            "A webhook came with a wrong signature or token; give the sender and the bot the same secret."
        ),
        "webhook.run": "A webhook reported a pipeline run that the watch reports, too.",
        "webhook.scan_over": "Harbor reported a finished scan, and waiting gates look within a minute.",
        "webhook.secret_unreadable": (
            "The file of a webhook's secret could not be read; check that it exists and its permissions."
        ),
    }
)
