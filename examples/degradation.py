"""The degradation experiment of He et al. 2015 (arXiv:1512.03385, section 4.2, figure 6): the errors of plain
networks and residual networks of two depths.

    python examples/degradation.py                     # some minutes: a part of Fashion-MNIST
    python examples/degradation.py --full              # all images, epochs and batches of the paper
    python examples/degradation.py --full --data DIR   # on CIFAR-10, as in the paper

Without shortcuts, the deeper network has the larger error even on the images it is trained on; with shortcuts
it has not. The folder --out gets degradation.png, degradation.json with all numbers, and checkpoints: the
same command continues a run that was stopped, and draws one that is finished again. Needs matplotlib
(pip install ".[docs]"); docs/degradation.md shows a run.
"""

import argparse
import json
from pathlib import Path

import cnnfast as cf
import numpy as np
from cnnfast import optim
from cnnfast.augment import Augmentation, Crop, HorizontalFlip

FAMILIES = {"plain": cf.models.plain_cifar, "ResNet": cf.models.resnet_cifar}
#: As in the paper: 64,000 steps of 128 images of CIFAR-10, and the learning rate.
FULL = {"images": None, "epochs": 164, "batch": 128, "lr": 0.1}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--data", metavar="FOLDER", help="use CIFAR-10 from this folder, not Fashion-MNIST")
    parser.add_argument("--depths", type=int, nargs="+", default=[20, 56], help="6 n + 2 (default: 20 56)")
    parser.add_argument("--images", type=int, default=3200, help="training images (default: 3200)")
    parser.add_argument("--epochs", type=int, default=10, help="passes over them (default: 10)")
    parser.add_argument("--batch", type=int, default=32, help="images in a batch (default: 32)")
    parser.add_argument("--lr", type=float, default=0.02, help="learning rate (default: 0.02)")
    parser.add_argument("--full", action="store_true", help="the setting of the paper, with all images")
    parser.add_argument("--out", type=Path, default=Path("degradation"), help="folder of the results")
    given = parser.parse_args()
    if given.full:
        vars(given).update(FULL)
    return given


def load(folder, images, full):
    """(train, test), images of 32x32; a small run tests on as many images as it trains on."""
    parts = []
    for is_train in (True, False):
        if folder is None:
            data = cf.datasets.FashionMNIST(is_train)
            padded = np.pad(data.images, ((0, 0), (2, 2), (2, 2)))  # 28x28 to 32x32
            data = cf.datasets.ImageDataset(padded, data.labels, data.classes, data.name)
        else:
            data = cf.datasets.CIFAR10(is_train, folder)
        parts.append(data if full else data[:images])
    return parts


def train(family, depth, data, test, given):
    """The errors of each epoch, on training and test images."""
    shape = {"num_classes": len(data.classes), "in_channels": data.input_shape[0]}
    model = FAMILIES[family](depth, seed=0, **shape)
    # As in the paper: divided by 10 at one half and at three quarters of the steps.
    milestones = [given.epochs // 2, given.epochs * 3 // 4]
    history = cf.fit(
        model,
        data,
        epochs=given.epochs,
        batch_size=given.batch,
        optimizer=optim.SGD(given.lr, momentum=0.9, weight_decay=1e-4),
        schedule=optim.lr_scheduler.MultiStepLR(milestones),
        augment=Augmentation([Crop(4), HorizontalFlip()]) if given.full else None,
        validation=test,
        checkpoint=given.out / f"{family}-{depth}",
        resume=True,
    )
    if not history.is_complete:
        raise SystemExit("stopped; the same command continues")
    return {
        "training_error": [1 - record.accuracy for record in history.epochs],
        "test_error": [1 - record.val_accuracy for record in history.epochs],
        "seconds": sum(record.seconds for record in history.epochs),
    }


def plot(result, path):
    """A panel for each family, as figure 6 of the paper: test error solid, training error dashed."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.0, 3.4), facecolor="white", layout="constrained")
    axes = figure.subplots(1, len(FAMILIES), sharey=True)
    for axis, family in zip(axes, FAMILIES, strict=True):
        for color, depth in zip(("#5b7b9a", "#d1495b", "#b3a369"), result["depths"], strict=False):
            curve = result["networks"][f"{family}-{depth}"]
            epochs = range(1, len(curve["test_error"]) + 1)
            percent = {
                name: [100 * error for error in curve[name]] for name in ("training_error", "test_error")
            }
            axis.plot(
                epochs, percent["training_error"], "--", color=color, label=f"{family}-{depth}, training"
            )
            axis.plot(epochs, percent["test_error"], color=color, label=f"{family}-{depth}, test")
        axis.set(xlabel="epoch", ylim=(0, None))
        axis.legend(frameon=False, fontsize=8)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("error (%)")
    figure.suptitle(f"{result['data']}, {result['images']:,} images", fontsize=10)
    figure.savefig(path, dpi=100)


def main():
    given = arguments()
    given.out.mkdir(parents=True, exist_ok=True)
    data, test = load(given.data, given.images, given.full)
    networks = {}
    for depth in given.depths:
        for family in FAMILIES:
            name = f"{family}-{depth}"
            print(name, flush=True)
            networks[name] = train(family, depth, data, test, given)
    result = {
        "data": data.name.partition("/")[0],
        "images": len(data),
        "epochs": given.epochs,
        "batch": given.batch,
        "lr": given.lr,
        "depths": given.depths,
        "networks": networks,
    }
    (given.out / "degradation.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    plot(result, given.out / "degradation.png")
    print(f"\n{'last epoch':<12}{'training error':>16}{'test error':>12}")
    for name, curve in networks.items():
        print(f"{name:<12}{curve['training_error'][-1]:>16.1%}{curve['test_error'][-1]:>12.1%}")
    print(f"written: {given.out / 'degradation.png'}, {given.out / 'degradation.json'}")


if __name__ == "__main__":
    main()
