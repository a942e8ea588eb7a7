"""Draws are the same on every machine, and distributed as they say."""

import numpy as np
import pytest

from trunkline.simulate.draws import Draws, log_normal, mix64, stream_seed


def test_a_stream_is_named_by_seed_and_names():
    assert Draws(1, "calls", 0).words(3).tolist() == [5513042563525911343, 2204617024563221133, 14850767922891349183]
    assert Draws(1, "calls", 1).words(1) != Draws(1, "calls", 0).words(1)
    assert Draws(2, "calls", 0).words(1) != Draws(1, "calls", 0).words(1)
    assert stream_seed(1, "a", "b") != stream_seed(1, "ab")


def test_the_words_are_mixed_as_splitmix64_does():
    # The first outputs of splitmix64 from state 0 (Steele, Lea, Flood 2014): state 0, and one golden gamma on.
    states = np.asarray([0, 0x9E3779B97F4A7C15], dtype=np.uint64)
    assert mix64(states).tolist() == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4]


def test_bounded_draws_stay_inside_and_reach_both_ends():
    drawn = Draws(3).below(6, 10_000)
    assert set(drawn.tolist()) == {0, 1, 2, 3, 4, 5}
    assert Draws(3).between(5, 7, 1000).min() == 5
    assert Draws(3).between(5, 7, 1000).max() == 7
    bounds = np.asarray([1, 10, 100])
    assert (Draws(4).below(bounds, 3) < bounds).all()


def test_weights_are_kept():
    drawn = np.bincount(Draws(5).weighted([7, 0, 3], 100_000), minlength=3)
    assert drawn[1] == 0
    assert abs(drawn[0] - 70_000) < 700


@pytest.mark.parametrize(("population", "size"), [(10, 10), (1000, 3), (1000, 900), (5, 0)])
def test_a_sample_has_different_members(population, size):
    drawn = Draws(6).sample(population, size).tolist()
    assert len(set(drawn)) == size
    assert drawn == sorted(drawn)
    assert all(0 <= row < population for row in drawn)


def test_a_sample_cannot_be_larger_than_its_population():
    with pytest.raises(ValueError, match="cannot take 4 of 3"):
        Draws(6).sample(3, 4)


def test_log_normal_quantiles_have_their_median_and_tail():
    table = log_normal(74_000, "1.35", 400, 14_400_000)
    assert len(table) == 4097
    assert (np.diff(table) >= 0).all()
    assert table[2048] == 74_000
    assert table[-1] == 14_400_000
    drawn = Draws(7).quantile(table, 200_000)
    assert 165_000 < drawn.mean() < 195_000
    assert (drawn > 3_600_000).sum() > 200
