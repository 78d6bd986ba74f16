"""The delivery record: what moves on the platform, whoever moved it."""
