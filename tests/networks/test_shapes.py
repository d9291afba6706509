"""Parameter counts of the documents' networks, exactly, and refusals, word for word."""

import pytest

from tuner.base.errors import Invalid
from tuner.networks import Convolutional, Dense, Hidden, LocallyConnected, Network, layer_table, parameters

DOCUMENTS = [
    (Dense(widths=(256, 128, 64, 32, 16)), (16, 16), 109722),
    (LocallyConnected(filters=(256, 128, 64, 32, 16)), (16, 16), 33177770),
    (Convolutional(filters=(32, 64), pool_every=2, widths=(128,)), (16, 16), 315146),
    (Dense(widths=(128, 128)), (28, 28), 118282),
    (Dense(widths=(64, 64)), (28, 28), 55050),
    (Dense(widths=(256, 256)), (28, 28), 269322),
    (Convolutional(filters=(32, 64), widths=(64,)), (28, 28), 121930),
    (Dense(widths=(100, 100, 100)), (28, 28), 99710),
    (Dense(widths=(50, 50, 50)), (28, 28), 44860),
    (Dense(widths=(500, 300)), (28, 28), 545810),
]


@pytest.mark.parametrize(("network", "inputs", "count"), DOCUMENTS)
def test_the_documents_networks_have_the_parameters_they_report(
    network: Network, inputs: tuple[int, ...], count: int
) -> None:
    assert parameters(network, inputs, 10) == count


def test_the_usps_documents_layers_have_the_parameters_they_report() -> None:
    local = layer_table(LocallyConnected(filters=(256, 128, 64, 32, 16)), (16, 16), 10)
    counts = [layer.parameters for layer in local if layer.parameters]
    assert counts == [260096, 24804864, 6160000, 1531648, 381792, 39370]
    convolutional = layer_table(Convolutional(filters=(32, 64), pool_every=2, widths=(128,)), (16, 16), 10)
    assert [layer.parameters for layer in convolutional if layer.parameters] == [320, 18496, 295040, 1290]


def test_batch_normalization_has_two_trained_and_two_moving_numbers_a_channel() -> None:
    plain = Dense(widths=(8,))
    normalized = Dense(widths=(8,), hidden=Hidden(batch_normalization="before"))
    assert parameters(normalized, (4,), 2) - parameters(plain, (4,), 2) == 4 * 8


@pytest.mark.parametrize(
    ("network", "inputs", "message"),
    [
        (
            Convolutional(filters=(4, 4, 4), kernel=4, pool=1),
            (8, 8),
            "network.filters: convolution 3 with kernel 4 has only 2×2 left; "
            "use fewer filters, a smaller kernel or padding 'same'",
        ),
        (
            Convolutional(filters=(4,), pool=9),
            (8, 8),
            "network.filters: pooling by 9 after convolution 1 has only 6×6 left; "
            "use fewer filters, a smaller pool or padding 'same'",
        ),
        (
            LocallyConnected(filters=(4, 4), dimensions=2, window=5),
            (8, 8),
            "network.filters: locally connected layer 2 with window 5 has only 4×4 left; "
            "use fewer filters or a smaller window",
        ),
        (
            Convolutional(filters=(4,)),
            (2,),
            "network.kind: must be 'dense' for inputs that are not images, which have the shape [2]",
        ),
        (
            Dense(widths=(), output="signed"),
            (8, 8),
            "network.output: must not be 'signed' for 10 classes: one unit tells two classes apart",
        ),
    ],
)
def test_a_network_that_does_not_fit_its_inputs_is_refused(
    network: Network, inputs: tuple[int, ...], message: str
) -> None:
    with pytest.raises(Invalid) as complaint:
        layer_table(network, inputs, 10)
    assert str(complaint.value) == message
