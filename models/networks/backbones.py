"""The name of a backbone -> its plan, for a face of 112 x 112 pixels.

| backbone | source | difference from the source |
| --- | --- | --- |
| mobilefacenet | Chen et al., arXiv 1804.07573 | nothing |
| mobilenet | Howard et al., arXiv 1704.04861 | ReLU for ReLU6; the end |
| mobilenet_v2 | Sandler et al., arXiv 1801.04381 | ReLU for ReLU6; the end |
| inception_v3 | Szegedy et al., arXiv 1512.00567 | the end |

The last three end as MobileFaceNet does: with a depthwise convolution over the whole last map instead of a mean, so
that each place in a face has its own weight, and a projection to the embedding. They use ReLU instead of ReLU6, since
equalisation scales channels and a clipped activation cannot be scaled.
"""

from collections.abc import Callable

from models.networks.plan import PICTURE, Band, Plan, PlanBuilder

EMBEDDING_LENGTH = 192
_EVEN = (127.5, 127.5, 127.5)


def mobilefacenet() -> Plan:
    """MobileFaceNet: MobileNetV2's inverted residuals with PReLU.

    | stage | map | blocks |
    | --- | --- | --- |
    | stem | 56 x 56 x 64 | convolution /2, depthwise, projection |
    | 28 | 28 x 28 x 64 | one block /2, four residual blocks |
    | 14 | 14 x 14 x 128 | one block /2, six residual blocks |
    | 7 | 7 x 7 x 128 | one block /2, two residual blocks |
    | last | 7 x 7 x 512 | convolution |
    | embedding | 192 | depthwise 7 x 7, two projections |
    """
    builder = PlanBuilder()
    x = builder.convolve("stem", PICTURE, 64, 3, stride=2, activation="prelu")
    x = builder.depthwise("stem_depthwise", x, activation="prelu")
    x = builder.convolve("stem_project", x, 64, activation="none")
    for stage, widths, outputs in (
        ("stage28", (128,) * 5, 64),
        ("stage14", (256,) * 7, 128),
        ("stage7", (512, 256, 256), 128),
    ):
        for number, width in enumerate(widths):
            block, before = f"{stage}_{number}", x
            x = builder.convolve(f"{block}_expand", x, width, activation="prelu")
            x = builder.depthwise(f"{block}_depthwise", x, stride=1 if number else 2, activation="prelu")
            x = builder.convolve(f"{block}_project", x, outputs, activation="none")
            if number:
                x = builder.add(f"{block}_add", before, x)
    x = builder.convolve("last", x, 512, activation="prelu")
    x = builder.depthwise("whole_face", x, 7, padding="valid", activation="none")
    x = builder.convolve("whole_face_project", x, 128, activation="none")
    builder.convolve("embedding_project", x, EMBEDDING_LENGTH, activation="none")
    taps = {
        "stage28": Band("stage28_4_add"),
        "stage14": Band("stage14_6_add"),
        "stage7_first": Band("stage7_0_project"),
        "stage7": Band("stage7_2_add"),
        "last_top": Band("last", 0, 3),  # forehead and eyes
        "last_middle": Band("last", 2, 5),  # nose
        "last_bottom": Band("last", 4, 7),  # mouth and chin
    }
    return Plan("mobilefacenet", _EVEN, (128.0, 128.0, 128.0), tuple(builder.steps), taps)


def mobilenet() -> Plan:
    """MobileNet of width 1: thirteen depthwise separable convolutions."""
    builder = PlanBuilder()
    x = builder.convolve("stem", PICTURE, 32, 3, stride=2)
    ends = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1))
    for number, (outputs, stride) in enumerate(ends, 1):
        x = builder.depthwise(f"block{number}_depthwise", x, stride=stride)
        x = builder.convolve(f"block{number}", x, outputs)
    _end(builder, x, 4)
    taps = {"stage14": Band("block5"), "stage7": Band("block11"), **_halves("block13")}
    return Plan("mobilenet", _EVEN, _EVEN, tuple(builder.steps), taps)


def mobilenet_v2() -> Plan:
    """MobileNetV2 of width 1: seventeen inverted residuals."""
    builder = PlanBuilder()
    x = builder.convolve("stem", PICTURE, 32, 3, stride=2)
    x = builder.depthwise("block0_depthwise", x)
    x = builder.convolve("block0_project", x, 16, activation="none")
    number = 0
    for outputs, count, first_stride in ((24, 2, 2), (32, 3, 2), (64, 4, 2), (96, 3, 1), (160, 3, 2), (320, 1, 1)):
        for repeated in range(count):
            number += 1
            block, before = f"block{number}", x
            x = builder.convolve(f"{block}_expand", x, 6 * builder.channels[x])
            x = builder.depthwise(f"{block}_depthwise", x, stride=1 if repeated else first_stride)
            x = builder.convolve(f"{block}_project", x, outputs, activation="none")
            if repeated:
                x = builder.add(f"{block}_add", before, x)
    x = builder.convolve("last", x, 1280)
    _end(builder, x, 4)
    taps = {"stage14": Band("block5_add"), "stage7": Band("block12_add"), **_halves("last")}
    mean, spread = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)  # those of ImageNet, on which it was pretrained
    return Plan("mobilenet_v2", mean, spread, tuple(builder.steps), taps)


def inception_v3() -> Plan:
    """InceptionV3: eleven mixed blocks of parallel convolutions."""
    builder = PlanBuilder()
    x = builder.convolve("stem1", PICTURE, 32, 3, stride=2, padding="valid")
    x = builder.convolve("stem2", x, 32, 3, padding="valid")
    x = builder.convolve("stem3", x, 64, 3)
    x = builder.pool("stem_pool1", x, "max", stride=2, padding="valid")
    x = builder.convolve("stem4", x, 80, padding="valid")
    x = builder.convolve("stem5", x, 192, 3, padding="valid")
    x = builder.pool("stem_pool2", x, "max", stride=2, padding="valid")
    for number, pooled in enumerate((32, 64, 64)):
        x = _mixed_small(builder, f"mixed{number}", x, pooled)
    x = _mixed_halving(builder, "mixed3", x)
    for number, width in enumerate((128, 160, 160, 192), 4):
        x = _mixed_long(builder, f"mixed{number}", x, width)
    x = _mixed_last_halving(builder, "mixed8", x)
    for number in (9, 10):
        x = _mixed_wide(builder, f"mixed{number}", x)
    _end(builder, x, 2)
    taps = {"stage11": Band("mixed2"), "stage5": Band("mixed7"), "last": Band("mixed10")}
    return Plan("inception_v3", (0.0, 0.0, 0.0), (255.0, 255.0, 255.0), tuple(builder.steps), taps)


def _end(builder: PlanBuilder, x: str, size: int) -> None:
    x = builder.depthwise("whole_face", x, size, padding="valid", activation="none")
    builder.convolve("embedding_project", x, EMBEDDING_LENGTH, activation="none")


def _halves(step: str) -> dict[str, Band]:
    return {"last_top": Band(step, 0, 2), "last_bottom": Band(step, 2, 4)}


def _chain(builder: PlanBuilder, name: str, x: str, *widths_and_kernels: tuple[int, int | tuple[int, int]]) -> str:
    for number, (width, kernel) in enumerate(widths_and_kernels, 1):
        x = builder.convolve(f"{name}_{number}", x, width, kernel)
    return x


def _pooled(builder: PlanBuilder, block: str, x: str, width: int) -> str:
    around = builder.pool(f"{block}_around", x, "mean", stride=1, padding="same")
    return builder.convolve(f"{block}_pool", around, width)


def _mixed_small(builder: PlanBuilder, block: str, x: str, pooled: int) -> str:
    one = builder.convolve(f"{block}_one", x, 64)
    five = _chain(builder, f"{block}_five", x, (48, 1), (64, 5))
    three = _chain(builder, f"{block}_three", x, (64, 1), (96, 3), (96, 3))
    return builder.concatenate(block, one, five, three, _pooled(builder, block, x, pooled))


def _mixed_halving(builder: PlanBuilder, block: str, x: str) -> str:
    one = builder.convolve(f"{block}_one", x, 384, 3, stride=2, padding="valid")
    three = _chain(builder, f"{block}_three", x, (64, 1), (96, 3))
    three = builder.convolve(f"{block}_three_end", three, 96, 3, stride=2, padding="valid")
    pooled = builder.pool(f"{block}_pool", x, "max", stride=2, padding="valid")
    return builder.concatenate(block, one, three, pooled)


def _mixed_long(builder: PlanBuilder, block: str, x: str, width: int) -> str:
    across, down = (1, 7), (7, 1)
    one = builder.convolve(f"{block}_one", x, 192)
    seven = _chain(builder, f"{block}_seven", x, (width, 1), (width, across), (192, down))
    twice = _chain(
        builder, f"{block}_twice", x, (width, 1), (width, down), (width, across), (width, down), (192, across)
    )
    return builder.concatenate(block, one, seven, twice, _pooled(builder, block, x, 192))


def _mixed_last_halving(builder: PlanBuilder, block: str, x: str) -> str:
    three = builder.convolve(f"{block}_three", x, 192)
    three = builder.convolve(f"{block}_three_end", three, 320, 3, stride=2, padding="valid")
    seven = _chain(builder, f"{block}_seven", x, (192, 1), (192, (1, 7)), (192, (7, 1)))
    seven = builder.convolve(f"{block}_seven_end", seven, 192, 3, stride=2, padding="valid")
    pooled = builder.pool(f"{block}_pool", x, "max", stride=2, padding="valid")
    return builder.concatenate(block, three, seven, pooled)


def _mixed_wide(builder: PlanBuilder, block: str, x: str) -> str:
    one = builder.convolve(f"{block}_one", x, 320)
    three = builder.convolve(f"{block}_three", x, 384)
    parts = [builder.convolve(f"{block}_three_across", three, 384, (1, 3))]
    parts += [builder.convolve(f"{block}_three_down", three, 384, (3, 1))]
    twice = _chain(builder, f"{block}_twice", x, (448, 1), (384, 3))
    parts += [builder.convolve(f"{block}_twice_across", twice, 384, (1, 3))]
    parts += [builder.convolve(f"{block}_twice_down", twice, 384, (3, 1))]
    return builder.concatenate(block, one, *parts, _pooled(builder, block, x, 192))


BACKBONES: dict[str, Callable[[], Plan]] = {
    "mobilefacenet": mobilefacenet,
    "mobilenet": mobilenet,
    "mobilenet_v2": mobilenet_v2,
    "inception_v3": inception_v3,
}
"""Every backbone by its name."""
