"""The readings as CDISC ODM 1.3.2, which clinical data systems exchange.

https://www.cdisc.org/standards/data-exchange/odm - each case is a subject, each reading
of it an event that repeats, the questionnaire its form.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

from analysis.deposit.codebook import Kind, Variable, variables
from analysis.deposit.readings import Deposited, Row

NAMESPACE = "http://www.cdisc.org/ns/odm/v1.3"
_STUDY, _VERSION = "ST.1", "MDV.1"
_EVENT, _FORM, _GROUP = "SE.READING", "FO.READING", "IG.READING"
_TYPES: Mapping[Kind, str] = {"whole number": "integer", "number": "float"}


def odm_text(deposit: Deposited, title: str, created: datetime) -> str:
    """Return the study with its readings as the text of odm.xml.

    Args:
        deposit: The readings.
        title: Name of the study.
        created: When the file is written.
    """
    described = list(variables(deposit))
    root = ET.Element(
        "ODM",
        {
            "xmlns": NAMESPACE,
            "ODMVersion": "1.3.2",
            "FileType": "Snapshot",
            "FileOID": "FILE.1",
            "CreationDateTime": created.astimezone(UTC).isoformat(timespec="seconds"),
        },
    )
    study = ET.SubElement(root, "Study", OID=_STUDY)
    about = ET.SubElement(study, "GlobalVariables")
    _said(about, "StudyName", title)
    _said(about, "StudyDescription", "Blinded reader study. Research use only.")
    _said(about, "ProtocolName", title)
    _describe(
        ET.SubElement(study, "MetaDataVersion", OID=_VERSION, Name="1"),
        [part for one in described for part in one.parts],
    )
    data = ET.SubElement(
        root, "ClinicalData", StudyOID=_STUDY, MetaDataVersionOID=_VERSION
    )
    for case, rows in _by_case(deposit):
        subject = ET.SubElement(data, "SubjectData", SubjectKey=_printable(case))
        for n, row in enumerate(rows, 1):
            _add_reading(subject, n, row, described)
    ET.indent(root)
    body = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'


def _said(parent: ET.Element, tag: str, text: str) -> None:
    ET.SubElement(parent, tag).text = _printable(text)


def _printable(text: object) -> str:
    """Return a text without the control characters that XML has no form for."""
    return "".join(c for c in str(text) if c in "\t\n\r" or c >= " ")


def _describe(version: ET.Element, described: list[Variable]) -> None:
    protocol = ET.SubElement(version, "Protocol")
    _refer(protocol, "StudyEvent", _EVENT)
    event = _defined(version, "StudyEvent", _EVENT, "Reading", Repeating="Yes")
    event.set("Type", "Scheduled")
    _refer(event, "Form", _FORM)
    form = _defined(version, "Form", _FORM, "Reading", Repeating="No")
    _refer(form, "ItemGroup", _GROUP)
    group = _defined(version, "ItemGroup", _GROUP, "Reading", Repeating="No")
    for one in described:
        _refer(group, "Item", _oid(one))
    for one in described:
        _define_item(version, one)
    for one in described:
        _define_codes(version, one)


def _defined(
    parent: ET.Element, what: str, oid: str, name: str, **further: str
) -> ET.Element:
    return ET.SubElement(parent, f"{what}Def", {"OID": oid, "Name": name, **further})


def _refer(parent: ET.Element, what: str, oid: str) -> None:
    attributes = {f"{what}OID": oid, "Mandatory": "No"}
    ET.SubElement(parent, f"{what}Ref", attributes)


def _oid(one: Variable) -> str:
    return f"IT.{one.name}"


def _define_item(version: ET.Element, one: Variable) -> None:
    kind = _TYPES.get(one.kind, "text")
    item = _defined(version, "Item", _oid(one), one.name, DataType=kind)
    if kind == "text":
        item.set("Length", "50000" if one.kind == "marks" else "4000")
    _translated(ET.SubElement(item, "Question"), one.label)
    if one.codes:
        ET.SubElement(item, "CodeListRef", CodeListOID=f"CL.{one.name}")


def _define_codes(version: ET.Element, one: Variable) -> None:
    if not one.codes:
        return
    codes = ET.SubElement(
        version, "CodeList", OID=f"CL.{one.name}", Name=one.name, DataType="text"
    )
    for code, label in one.codes:
        item = ET.SubElement(codes, "CodeListItem", CodedValue=code)
        _translated(ET.SubElement(item, "Decode"), label)


def _translated(parent: ET.Element, text: str) -> None:
    _said(parent, "TranslatedText", text)


def _by_case(deposit: Deposited) -> Iterator[tuple[str, list[Row]]]:
    cases: dict[str, list[Row]] = {}
    for row in deposit.rows:
        cases.setdefault(str(row["case"]), []).append(row)
    yield from cases.items()


def _add_reading(
    subject: ET.Element, n: int, row: Row, described: list[Variable]
) -> None:
    event = ET.SubElement(
        subject, "StudyEventData", StudyEventOID=_EVENT, StudyEventRepeatKey=str(n)
    )
    form = ET.SubElement(event, "FormData", FormOID=_FORM)
    group = ET.SubElement(form, "ItemGroupData", ItemGroupOID=_GROUP)
    for one in described:
        for part, value in zip(one.parts, one.cells(row), strict=True):
            if value != "":
                given = _printable(value)
                ET.SubElement(group, "ItemData", ItemOID=_oid(part), Value=given)
