import pytest

from meticulous._better import lower_is_better


@pytest.mark.parametrize(
    ("name", "lower"),
    [
        ("loss", True),
        ("val/loss", True),
        ("summary.loss_mean", True),
        ("top5_error", True),
        ("testAccuracy", False),
        ("summary.test_accuracy", False),
        ("val/f1", False),
        ("mIoU", False),
        ("R2", False),
        ("mAP", False),
        ("episode_reward", False),
        ("loss_of_accuracy", False),  # the last word that says something
        ("seconds", None),
        ("lr", None),
        ("", None),
        ("epoch", None),
        ("lossless", None),
    ],
)
def test_the_name_of_a_metric_tells_which_way_is_better_or_nothing(name, lower):
    assert lower_is_better(name) is lower
