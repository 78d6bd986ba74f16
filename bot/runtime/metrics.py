"""What Prometheus is told. Its own registry: nothing that a library counts by itself comes in unasked."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY = CollectorRegistry()

COMMANDS = Counter(
    "pilothouse_commands", "Commands by verb and outcome (done, refused, failed).", ["verb", "outcome"],
    registry=REGISTRY,
)  # fmt: skip
ACKNOWLEDGED = Histogram(
    "pilothouse_ack_seconds",
    "Time from receiving a request of Slack to acknowledging it; Slack gives up after 3 seconds.",
    ["kind"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3),
    registry=REGISTRY,
)
PROMOTIONS = Counter(
    "pilothouse_promotions", "Promotions that ended, by kind, environment and phase.",
    ["kind", "environment", "phase"], registry=REGISTRY,
)  # fmt: skip
BREAK_GLASS = Counter(
    "pilothouse_break_glass", "Promotions that skipped their approvals in an emergency.", ["environment"],
    registry=REGISTRY,
)  # fmt: skip
VERDICTS = Counter("pilothouse_gate_verdicts", "What gates answered.", ["gate", "state"], registry=REGISTRY)
PROMOTION_SECONDS = Histogram(
    "pilothouse_promotion_seconds",
    "Time from asking for a promotion to its end, waiting for people included.",
    ["environment", "phase"],
    buckets=(5, 15, 30, 60, 300, 900, 3600, 4 * 3600, 24 * 3600),
    registry=REGISTRY,
)
OUTBOX = Gauge(
    "pilothouse_outbox_letters", "Messages that wait, and those that were given up.", ["state"], registry=REGISTRY
)
OLDEST_MESSAGE = Gauge(
    "pilothouse_oldest_message_seconds",
    "Age of the oldest message that waits to be sent to Slack; 0 where none waits. It grows on while the database is "
    "away, and is NaN where it did not wait before.",
    registry=REGISTRY,
)  # fmt: skip
REQUESTS = Gauge(
    "pilothouse_requests_waiting", "Requests of Slack that are acknowledged and not done yet.", registry=REGISTRY
)
OLDEST_REQUEST = Gauge(
    "pilothouse_oldest_request_seconds",
    "Age of the oldest request that is acknowledged and not done; 0 where none is. It grows on while the database is "
    "away, and is NaN where none was there before.",
    registry=REGISTRY,
)  # fmt: skip
DATABASE = Gauge(
    "pilothouse_database_answers", "Whether the database answered for these metrics (1) or did not (0).",
    registry=REGISTRY,
)  # fmt: skip
STREAMS = Gauge(
    "pilothouse_stream_alive", "Whether a stream of another system's news stands (1) or is lost (0).", ["stream"],
    registry=REGISTRY,
)  # fmt: skip
COMMAND_SECONDS = Histogram(
    "pilothouse_command_seconds",
    "Time from receiving a command to its answer.",
    ["verb"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
    registry=REGISTRY,
)
DELIVERY_FACTS = Counter(
    "pilothouse_delivery_facts", "Facts of the delivery record, by environment and kind.", ["environment", "kind"],
    registry=REGISTRY,
)  # fmt: skip
DEPLOYMENTS = Counter(
    "pilothouse_deployments",
    "Deployments that came to an end, by app, environment, cause and outcome; by hand, too.",
    ["app", "environment", "cause", "outcome"],
    registry=REGISTRY,
)
FIXED_DEPLOYMENTS = Counter(
    "pilothouse_fixed_deployments",
    "Deployments that a later change says it reverts or fixes, by app and environment.",
    ["app", "environment"],
    registry=REGISTRY,
)
LEAD_TIME = Histogram(
    "pilothouse_lead_time_seconds",
    "Time from the push of a commit (or, where none is on record, the first pin of its image) until it was Healthy.",
    ["environment", "since"],
    buckets=(300, 900, 1800, 3600, 4 * 3600, 12 * 3600, 86400, 2 * 86400, 4 * 86400, 7 * 86400, 14 * 86400, 30 * 86400),
    registry=REGISTRY,
)
OBSERVED = Gauge(
    "pilothouse_observed_timestamp_seconds",
    "When an observer of the delivery record last read all that there was, in seconds since the epoch.",
    ["observer"],
    registry=REGISTRY,
)
