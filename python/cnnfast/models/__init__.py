"""Predefined networks, as described by their sources.

All output logits: a final softmax or log-softmax of the source is part of the loss "cross_entropy" here.
"""

from .alexnet import alexnet, zfnet
from .all_conv import all_conv
from .alphago_policy import alphago_policy
from .character_resnet import character_resnet
from .cnn1d import cnn1d
from .d4 import d4
from .for_images import for_images
from .googlenet import googlenet
from .hello_dl import hello_dl_letters
from .lenet5 import lenet5
from .listing import ModelInfo
from .mlp import mlp
from .mobilenet_cifar import mobilenet_cifar
from .numpy_mnist import numpy_mnist
from .pretrained import pretrained, pretrained_names, pretrained_path
from .registry import ModelList, get, info, list
from .resnet import plain, resnet
from .resnet_cifar import plain_cifar, resnet_cifar
from .scanning_mlp import scanning_mlp
from .vgg import vgg
from .vgg_cifar import vgg_cifar

__all__ = [
    "ModelInfo",
    "ModelList",
    "alexnet",
    "all_conv",
    "alphago_policy",
    "character_resnet",
    "cnn1d",
    "d4",
    "for_images",
    "get",
    "googlenet",
    "hello_dl_letters",
    "info",
    "lenet5",
    "list",
    "mlp",
    "mobilenet_cifar",
    "numpy_mnist",
    "plain",
    "plain_cifar",
    "pretrained",
    "pretrained_names",
    "pretrained_path",
    "resnet",
    "resnet_cifar",
    "scanning_mlp",
    "vgg",
    "vgg_cifar",
    "zfnet",
]
