from bot.runtime.sqlite import use_a_newer_one

use_a_newer_one()  # before SQLAlchemy and aiosqlite take theirs
