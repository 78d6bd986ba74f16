from bot.runtime.imports import without
from bot.runtime.sqlite import use_a_newer_one

use_a_newer_one()  # before SQLAlchemy and aiosqlite take theirs
without("rich", "structlog")  # it would draw tracebacks with it, which a log of lines has no use for: 70 modules, 3 MiB
