"""What Prometheus is told. Its own registry: nothing that a library counts by itself comes in unasked."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY = CollectorRegistry()

COMMANDS = Counter(
    "pilothouse_commands", "Commands by verb and outcome (done, refused, failed).", ["verb", "outcome"],
    registry=REGISTRY,
)  # fmt: skip
ACKNOWLEDGED = Histogram(
    "pilothouse_ack_seconds",
    "Time from receiving a request of Slack to acknowledging it; Slack gives up after 3 s.",
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
REQUESTS = Gauge(
    "pilothouse_requests_waiting", "Requests of Slack that are acknowledged and not done yet.", registry=REGISTRY
)
OLDEST_REQUEST = Gauge(
    "pilothouse_oldest_request_seconds",
    "Age of the oldest request that is acknowledged and not done; 0 where none is.",
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
    "pilothouse_deployments", "Deployments that came to an end, by environment, cause and outcome; by hand, too.",
    ["environment", "cause", "outcome"], registry=REGISTRY,
)  # fmt: skip
OBSERVED = Gauge(
    "pilothouse_observed_timestamp_seconds",
    "When an observer of the delivery record last read all that there was, in seconds since the epoch.",
    ["observer"],
    registry=REGISTRY,
)
