"""The table of measures: what each is called, which way is better, and what it says."""

from __future__ import annotations

from dataclasses import dataclass

from eval.ranking import DEPTHS


@dataclass(frozen=True, slots=True)
class Measure:
    """A measure. ``better`` is "higher", "lower" or "" where neither is; ``part`` is what of an answer it measures.

    ``whole`` says that it is of a set of questions, and no mean of the scores of each.
    """

    title: str
    better: str
    explanation: str
    part: str
    whole: bool = False


_RETRIEVAL = {
    **{
        f"recall@{k}": Measure(
            f"Recall at {k}", "higher", f"Share of the reference quotes that the first {k} passages hold.", "retrieval"
        )
        for k in DEPTHS
    },
    **{
        f"hit@{k}": Measure(
            f"Hit at {k}",
            "higher",
            f"Share of questions with a reference quote in the first {k} passages.",
            "retrieval",
        )
        for k in DEPTHS
    },
    "mrr@10": Measure(
        "Mean reciprocal rank", "higher", "1 over the rank of the first passage with a reference quote.", "retrieval"
    ),
    **{
        f"ndcg@{k}": Measure(
            f"nDCG at {k}",
            "higher",
            f"How high the passages with reference quotes stand in the first {k}.",
            "retrieval",
        )
        for k in DEPTHS[1:]
    },
}
_ANSWERS = {
    "right": Measure(
        "Right",
        "higher",
        "Answered with a reference quote among its quotes, or refused where no article answers. Where there are "
        "no reference quotes: with half of the words of a reference answer.",
        "answers",
    ),
    "f1": Measure("Token F1", "higher", "Words in common with the nearest reference answer.", "answers"),
    "em": Measure("Exact match", "higher", "The very words of a reference answer and no others.", "answers"),
    "answer_recall": Measure(
        "Answer recall", "higher", "Share of the words of a reference answer that the answer has.", "answers"
    ),
    "similarity": Measure(
        "Similarity", "higher", "Cosine of the vectors of the answer and the nearest reference answer.", "answers"
    ),
    "answer_in_quotes": Measure(
        "Answer in quotes", "higher", "Share of questions with a reference quote among the quotes shown.", "answers"
    ),
    "answer_words_in_quotes": Measure(
        "Answer's words in quotes",
        "higher",
        "Share of the words of a reference answer that are in the quotes shown.",
        "answers",
    ),
}
_CITATIONS = {
    "quote_recall": Measure(
        "Quote recall", "higher", "Share of the reference quotes that are among the quotes shown.", "citations"
    ),
    "quote_precision": Measure(
        "Quote precision", "higher", "Share of the quotes shown that are reference quotes.", "citations"
    ),
    "citation_recall": Measure(
        "Citation recall",
        "higher",
        "Share of sentences that their citations entail (ALCE); sentences that are quotes word for word are left out.",
        "citations",
    ),
    "citation_precision": Measure(
        "Citation precision",
        "higher",
        "Share of citations that their sentence needs (ALCE); sentences that are quotes word for word are left out.",
        "citations",
    ),
    "invented_citations": Measure(
        "Invented citations",
        "lower",
        "Share of citations without a source, or with a quote that does not stand in it.",
        "citations",
    ),
    "verbatim": Measure("Verbatim", "", "Share of sentences that their own citations hold word for word.", "citations"),
}
_REFUSALS = {
    "refused": Measure("Refused", "", "Share of questions that were refused.", "refusals"),
    "refusal_error": Measure(
        "Refusal error", "lower", "Share refused of the questions that the articles answer (NoMIRACL).", "refusals"
    ),
    "hallucination": Measure(
        "Hallucination", "lower", "Share answered of the questions that no article answers (NoMIRACL).", "refusals"
    ),
    "auroc": Measure(
        "AUROC of the confidence",
        "higher",
        "How often a question with an answer has a higher confidence than one without.",
        "refusals",
        whole=True,
    ),
    "calibration_error": Measure(
        "Calibration error",
        "lower",
        "Mean distance of the confidence shown with answers and the share of them that is right.",
        "refusals",
        whole=True,
    ),
    "aurc": Measure(
        "Area under risk–coverage",
        "lower",
        "Mean share of wrong answers, over all numbers of surest answers that could be shown.",
        "refusals",
        whole=True,
    ),
}
_RAGAS = {
    "id_precision": Measure(
        "Article precision",
        "higher",
        "Share of the articles of the first 5 passages that are referred to (ragas, by ids).",
        "retrieval",
    ),
    "id_recall": Measure(
        "Article recall",
        "higher",
        "Share of the articles referred to that are among those of the first 5 passages (ragas, by ids).",
        "retrieval",
    ),
    "context_precision": Measure(
        "Context precision",
        "higher",
        "How high the passages that hold a reference quote stand in the first 5 (ragas, without a language model).",
        "retrieval",
    ),
    "context_recall": Measure(
        "Context recall",
        "higher",
        "Share of the reference quotes that one of the first 5 passages holds (ragas, without a language model).",
        "retrieval",
    ),
    "chrf": Measure(
        "chrF",
        "higher",
        "Strings of up to 6 characters in common with the nearest reference answer (ragas).",
        "answers",
    ),
    "string_presence": Measure(
        "Reference answer in the answer",
        "higher",
        "Share of answers that hold a reference answer to the letter (ragas).",
        "answers",
    ),
    "exact_match": Measure(
        "Same to the letter", "higher", "Share of answers that are a reference answer to the letter (ragas).", "answers"
    ),
    "quoted_spans": Measure(
        "Quotations in sources",
        "higher",
        "Share of what answers have in quotation marks that stands in the passages cited (ragas); answers without "
        "quotations are left out.",
        "citations",
    ),
    "faithfulness": Measure(
        "Faithfulness",
        "higher",
        "Share of the answer's statements that the passages carry, as the judge sees it (ragas).",
        "judge",
    ),
    "answer_relevancy": Measure(
        "Answer relevancy",
        "higher",
        "Cosine of the question and the one that the judge would put to the answer; 0 of an evasive answer (ragas).",
        "judge",
    ),
    "factual_correctness": Measure(
        "Factual correctness",
        "higher",
        "F1 of the claims that answer and reference answer share, as the judge sees it (ragas).",
        "judge",
    ),
    "noise_sensitivity": Measure(
        "Noise sensitivity",
        "lower",
        "Share of statements that are wrong though a useful passage says them, as the judge sees it (ragas).",
        "judge",
    ),
    "response_groundedness": Measure(
        "Groundedness",
        "higher",
        "How far the passages carry the answer, rated 0, ½ or 1 twice by the judge (ragas).",
        "judge",
    ),
    "judged_context_precision": Measure(
        "Context precision, judged",
        "higher",
        "How high the passages stand in the first 5 that the judge finds useful (ragas).",
        "judge",
    ),
    "judged_context_recall": Measure(
        "Context recall, judged",
        "higher",
        "Share of the reference answer's statements that the first 5 passages carry, as the judge sees it (ragas).",
        "judge",
    ),
}
MEASURES: dict[str, Measure] = {**_RETRIEVAL, **_ANSWERS, **_CITATIONS, **_REFUSALS, **_RAGAS}
