"""The addresses of the interface, each with the grant it needs and an entry in the trail."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpRequest
from ninja import NinjaAPI, Query, Status

from pipeline.desk import audit
from pipeline.desk.api import reading
from pipeline.desk.api.door import Door
from pipeline.desk.api.faults import RefusedError, add_handlers
from pipeline.desk.api.receive import receive
from pipeline.desk.api.shapes import (
    Accepted,
    Classified,
    Decisions,
    DocumentOut,
    Fault,
    IncomingBatch,
    Key,
    Predictions,
    Runs,
    Texts,
)
from pipeline.desk.clients import Grant
from pipeline.desk.schemes import taxonomy
from pipeline.desk.scoring import LIVE
from pipeline.documents import Document, Prediction

__all__ = ["api"]

#: No address outside of this desk is named anywhere: the description is read offline, so there are no docs pages.
api = NinjaAPI(
    title="作风 接口",
    version="1",
    description="给文本分类、取预测与判定、交来新件。说明与例子见 docs/desk/接口.md。",
    docs_url=None,
    openapi_url=None,
    auth=Door(),
)
add_handlers(api)

_NO = {400: Fault, 401: Fault, 403: Fault, 409: Fault, 413: Fault, 422: Fault, 429: Fault, 503: Fault}
After = Annotated[int, Query(ge=0, le=2**63 - 1, description="从这个序号之后开始")]
Size = Annotated[int, Query(ge=1, le=200, description="一页多少条")]
_NAME: Any = {"max_length": 120, "pattern": r"^[^\x00]*$"}


@api.get("/openapi.json", include_in_schema=False)
def describe(request: HttpRequest) -> Any:
    """Return this description."""
    audit.record("api.read", "openapi")
    return api.get_openapi_schema()


@api.get("/labels", auth=Door(Grant.CLASSIFY), response={200: dict[str, Any], **_NO}, summary="标签体系")
def labels(request: HttpRequest) -> Any:
    """所有方案和标签：编号、中文名、英文名、定义。"""
    audit.record("api.read", "labels")
    schemes = taxonomy()
    return {
        "taxonomy": schemes.id,
        "version": schemes.version,
        "schemes": [
            {
                "id": s.id,
                "name": s.name,
                "labels": [
                    {"id": x.id, "name": x.name, "english": x.english, "definition": x.definition} for x in s.labels
                ],
            }
            for s in schemes.schemes
        ],
    }


@api.post("/classify", auth=Door(Grant.CLASSIFY), response={200: Classified, **_NO}, summary="给文本分类")
def classify(request: HttpRequest, body: Texts) -> Any:
    """用在用模型打分，什么都不存。"""
    said = LIVE.score([Document(d.id, d.text) for d in body.documents])
    audit.record("api.classify", f"{len(said)} 件")
    results = [
        s.to_dict() if isinstance(s, Prediction) else {"id": s.id, "code": s.code, "reason": s.reason} for s in said
    ]
    return {"results": results, "model": next((s.model for s in said if isinstance(s, Prediction)), "")}


@api.get("/runs", auth=Door(Grant.READ), response={200: Runs, **_NO}, summary="结束了的夜间任务")
def runs(request: HttpRequest, after: After = 0, size: Size = 50) -> Any:
    """从旧到新。每夜结束之后，按 run 取这一夜的预测；中途断了、由后来的一次接替的也列。"""
    audit.record("api.read", "runs", after=after)
    return reading.runs(after, size)


@api.get("/predictions", auth=Door(Grant.READ), response={200: Predictions, **_NO}, summary="预测")
def predictions(
    request: HttpRequest,
    after: After = 0,
    size: Size = 50,
    run: Annotated[str, Query(description="只要这次运行的", **_NAME)] = "",
    model: Annotated[str, Query(description="只要这个模型的", **_NAME)] = "",
) -> Any:
    """按序号从小到大。重打的分留原序号、换运行编号，所以增量取用请按 run。"""
    audit.record("api.read", "predictions", after=after, run=run, model=model)
    return reading.predictions(after, size, run, model)


@api.get("/decisions", auth=Door(Grant.READ), response={200: Decisions, **_NO}, summary="人的判定")
def decisions(request: HttpRequest, after: After = 0, size: Size = 50) -> Any:
    """按判定先后，只增不改；撤销也是一条。"""
    audit.record("api.read", "decisions", after=after)
    return reading.decisions(after, size)


@api.get("/documents", auth=Door(Grant.READ), response={200: DocumentOut, 404: Fault, **_NO}, summary="一件")
def document(request: HttpRequest, id: Annotated[Key, Query(description="件的编号")]) -> Any:  # noqa: A002
    """一件的正文（已遮盖）、预测和判定。"""
    audit.record("api.read", id)
    found = reading.document(id)
    if found is None:
        raise RefusedError(404, "ZF-API-NONE", "没有这一件", "核对编号；刚交来的件要等夜间任务做完。")
    return found


@api.post("/documents", auth=Door(Grant.POST), response={202: Accepted, **_NO}, summary="交来新件")
def hand_in(request: HttpRequest, body: IncomingBatch) -> Any:
    """放进收件处，由下一次夜间任务打分入库；重复交同一件没有害处。"""
    accepted, known, file = receive(request.auth.name, [d.model_dump() for d in body.documents])
    audit.record("api.post", f"{len(accepted)} 件", known=len(known), file=file)
    return Status(202, {"accepted": accepted, "known": known})
