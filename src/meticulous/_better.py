"""Whether a small or a large value of a metric is the better one, as its name tells."""

from __future__ import annotations

import re

__all__ = ["lower_is_better"]

_LOWER = """
    loss losses error errors err mse mae rmse rmsle mape nll perplexity ppl bpc bpb wer cer fid kid
    kl divergence regret cost eer ece brier deviance distance violation violations lpips
    misclassification
"""
_HIGHER = """
    acc accuracy accuracies auc auroc auprc ap map f1 fscore precision recall bleu rouge meteor
    score scores reward rewards return returns iou miou dice r2 psnr ssim top1 top5 mrr ndcg hits
    elo correlation pearson spearman kendall kappa mcc sensitivity specificity likelihood elbo em
"""
_PART = re.compile(r"[\W_]+")
_WORD = re.compile(r"[A-Z]?[a-z]+[0-9]*|[A-Z]+[0-9]*|[0-9]+")


def lower_is_better(name: str) -> bool | None:
    """Judge by the words of a metric's name, the last one that says something first.

    Args:
        name: such as ``val/loss``, ``testAccuracy``, ``summary.f1_mean``.

    Returns:
        True for losses and errors, False for accuracies and scores, None when the name tells
        nothing: then nothing should be called the best.
    """
    lower, higher = _LOWER.split(), _HIGHER.split()
    for part in reversed(_PART.split(name)):
        for word in (part, *reversed(_WORD.findall(part))):  # mIoU, then testAccuracy
            if word.lower() in lower:
                return True
            if word.lower() in higher:
                return False
    return None
