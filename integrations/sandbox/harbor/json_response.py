"""JSON the way Harbor sends it."""

from starlette.responses import JSONResponse


class HarborJson(JSONResponse):
    media_type = "application/json; charset=utf-8"
