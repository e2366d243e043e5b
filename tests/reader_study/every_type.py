"""Questionnaires with a question of every type; marks have one of their own."""

YES_NO = [{"code": 1, "label": "Yes"}, {"code": 0, "label": "No"}]
SITES = [
    {"code": 1, "label": "Cortex"},
    {"code": 2, "label": "White matter"},
    {"code": -1, "label": "Elsewhere", "requires_reason": True},
]
EVERY_TYPE = {
    "schema": 2,
    "title": "Every type",
    "version": "1",
    "questions": [
        {"id": "lesion", "text": "Is there a lesion?", "scale": YES_NO},
        {
            "id": "grade",
            "text": "How good is it?",
            "type": "ordered",
            "scale": [{"code": n, "label": f"step {n}"} for n in (1, 2, 3)],
        },
        {
            "id": "sites",
            "text": "Where?",
            "type": "several",
            "scale": SITES,
            "shown_if": [{"question": "lesion", "codes": [1]}],
        },
        {
            "id": "volume",
            "text": "How large?",
            "type": "number",
            "range": [0, 60],
            "step": 0.5,
            "unit": "mL",
            "shown_if": [{"question": "lesion", "codes": [1]}],
        },
        {
            "id": "sure",
            "text": "How sure are you?",
            "type": "analogue",
            "ends": ["not at all", "completely"],
        },
        {
            "id": "why",
            "text": "What makes you unsure?",
            "type": "text",
            "longest": 40,
            "shown_if": [{"question": "sure", "at_most": 50}],
        },
        {
            "id": "remarks",
            "text": "Anything else?",
            "type": "long_text",
            "required": False,
        },
    ],
}

FULL = {
    "lesion": 1, "grade": 2, "sites": "1|2", "volume": 2.5, "sure": 40,
    "why": "motion", "remarks": "two\nlines",
}  # fmt: skip
"""Answers to all of them."""


MARKED = {
    "schema": 2,
    "title": "Marks",
    "version": "1",
    "questions": [
        {"id": "grade", "text": "How good is it?", "scale": YES_NO},
        {
            "id": "site",
            "text": "Mark each lesion",
            "type": "marks",
            "shapes": ["point", "box"],
            "mark_labels": ["core", "penumbra"],
            "confidence": [1, 5],
            "at_most": 3,
        },
        {
            "id": "artefacts",
            "text": "Mark artefacts",
            "type": "marks",
            "required": False,
        },
    ],
}
