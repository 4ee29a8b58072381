"""The published files of each data set: URLs, file names, sizes and checksums, used by `download` and
`status`.

Sizes and sha256 of the EMNIST files are those recorded for the published release, the md5 of MNIST,
Fashion-MNIST and CIFAR those their authors and PyTorch's loader name; `docs/data.md` says how each was
confirmed.
"""

from __future__ import annotations

from typing import NamedTuple


class RemoteFile(NamedTuple):
    """One published file: a download is accepted only if its size and every checksum given here match."""

    name: str
    size: int
    sha256: str | None = None
    md5: str | None = None


class Source(NamedTuple):
    """Where a data set comes from, and the files it consists of.

    `addresses` are base URLs (ending in "/") tried in order. With an `archive`, that one zip file is
    downloaded and the `files` are its members; without, each file is downloaded separately.
    """

    title: str
    folder: str
    addresses: tuple[str, ...]
    files: tuple[RemoteFile, ...]
    archive: RemoteFile | None = None


EMNIST = Source(
    title="EMNIST",
    folder="emnist",
    addresses=("https://biometrics.nist.gov/cs_links/EMNIST/",),
    archive=RemoteFile("gzip.zip", 561_753_746, md5="58c8d27c78d21e728a6bc7b3cc06412e"),
    files=(
        RemoteFile(
            "emnist-balanced-test-images-idx3-ubyte.gz",
            4_714_707,
            "117fc12b015e37ea98bfb2cbba3f77c3782c056cdbd219b87abfc8661d7135db",
        ),
        RemoteFile(
            "emnist-balanced-test-labels-idx1-ubyte.gz",
            13_504,
            "a67cac948379b67270b9a4d0a01c8ec661598accf2f2b1964340b7c83cb175cd",
        ),
        RemoteFile(
            "emnist-balanced-train-images-idx3-ubyte.gz",
            28_207_740,
            "74295e75e4e9fa2c102147460ee7eb763653d5132d883a84fb88932bfb8d2db4",
        ),
        RemoteFile(
            "emnist-balanced-train-labels-idx1-ubyte.gz",
            80_618,
            "b46d41e5156a0a8aaaa4d18979fdd1588850fa8571018acffd5d93b325a7d6ed",
        ),
        RemoteFile(
            "emnist-byclass-test-images-idx3-ubyte.gz",
            28_908_322,
            "5ec835bd5d5b1a66378a132e727fef20fe994b3cc666899befcca5ac766f50cd",
        ),
        RemoteFile(
            "emnist-byclass-test-labels-idx1-ubyte.gz",
            81_839,
            "501e305eeeacb093b162592d80e8a2632040872360fa6d85cfcb2200d91ca92a",
        ),
        RemoteFile(
            "emnist-byclass-train-images-idx3-ubyte.gz",
            173_367_313,
            "9e21987f03a6eb8b870187e785883ddad96947299587908f1a7ec2ca0f4be5f0",
        ),
        RemoteFile(
            "emnist-byclass-train-labels-idx1-ubyte.gz",
            491_603,
            "f7ef403d48dc18a89dae0d83d11ee69cecb6e1c12c3a961d03712e495c02a8fa",
        ),
        RemoteFile(
            "emnist-bymerge-test-images-idx3-ubyte.gz",
            28_905_295,
            "5e5815ec1b522089134435f7c55e75a00960b58414793593ffff23efc0821683",
        ),
        RemoteFile(
            "emnist-bymerge-test-labels-idx1-ubyte.gz",
            79_351,
            "8bda1516255683ba9071e141947ca0c91a911176065cdd6259b0b4d8dc5b5f35",
        ),
        RemoteFile(
            "emnist-bymerge-train-images-idx3-ubyte.gz",
            173_375_281,
            "39bf8c68037dad40db35348895f7e4e056e8c0a005ab78869c9fbc2c96e947be",
        ),
        RemoteFile(
            "emnist-bymerge-train-labels-idx1-ubyte.gz",
            476_444,
            "2c47293b9e62d6abf6ad05fbf67e40baa32adfd380b8d7b44dcc35534b64e1f1",
        ),
        RemoteFile(
            "emnist-digits-test-images-idx3-ubyte.gz",
            9_908_519,
            "20ebe43509264f7639d37c835a3f0b009e90b29e00a099a03101abe1644a3f63",
        ),
        RemoteFile(
            "emnist-digits-test-labels-idx1-ubyte.gz",
            19_960,
            "bad1834c45d5988e270b99d43b13edc3fd898f658ffbc2caf2846ef27f7b05b0",
        ),
        RemoteFile(
            "emnist-digits-train-images-idx3-ubyte.gz",
            59_515_779,
            "f7c95004d14d81af89522e67d8f0c781dfb3bd544181c81bfe1eb6b41c35b726",
        ),
        RemoteFile(
            "emnist-digits-train-labels-idx1-ubyte.gz",
            113_859,
            "6638a6ff5fe2eefd9cca2471995b46c82986b8e4b2a70d2f5ce8e05d7edb319e",
        ),
        RemoteFile(
            "emnist-letters-test-images-idx3-ubyte.gz",
            5_039_157,
            "50f0e93d75b99b463e9760b8345866f22587fa2c2fba472730a5ba09c693412d",
        ),
        RemoteFile(
            "emnist-letters-test-labels-idx1-ubyte.gz",
            144,
            "924955c31fe7fd809b7303b5c0141282955f4b8390c74cdfd5d80435e0f4b4cb",
        ),
        RemoteFile(
            "emnist-letters-train-images-idx3-ubyte.gz",
            30_804_864,
            "6288f418a917e007bf5fddb823a2dc7a5c6a35031401b93292a539cb12bd881f",
        ),
        RemoteFile(
            "emnist-letters-train-labels-idx1-ubyte.gz",
            79_283,
            "9759af91ea6bccdf07a6040fd085861f2ec88e37f7c3f5760f6feb57106fbe5c",
        ),
        RemoteFile(
            "emnist-mnist-test-images-idx3-ubyte.gz",
            2_484_884,
            "b25640fa9e356c618132f5df347c95ef5bae6d9c2596be1de40f7e0ae1c3eac6",
        ),
        RemoteFile(
            "emnist-mnist-test-labels-idx1-ubyte.gz",
            5_144,
            "bcc5385d38f083dba046f5f756e99b32f5ea7fad122c6243c71c2239873065ca",
        ),
        RemoteFile(
            "emnist-mnist-train-images-idx3-ubyte.gz",
            14_873_795,
            "5f9942f441031c0f1f2e4d162059fd6e19ea808b34c328b6d16cab0ed24c78f2",
        ),
        RemoteFile(
            "emnist-mnist-train-labels-idx1-ubyte.gz",
            29_480,
            "00c6d3c2342fdffb1711e0b5656cac4ce5862d2826399d383a9bac07d612e9f8",
        ),
    ),
)

MNIST = Source(
    title="MNIST",
    folder="mnist",
    addresses=(
        "http://yann.lecun.com/exdb/mnist/",
        # a mirror, since the authors' host often answers 403
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
    ),
    files=(
        RemoteFile(
            "train-images-idx3-ubyte.gz",
            9_912_422,
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        ),
        RemoteFile(
            "train-labels-idx1-ubyte.gz",
            28_881,
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            "d53e105ee54ea40749a09fcbcd1e9432",
        ),
        RemoteFile(
            "t10k-images-idx3-ubyte.gz",
            1_648_877,
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            "9fb629c4189551a2d022fa330f9573f3",
        ),
        RemoteFile(
            "t10k-labels-idx1-ubyte.gz",
            4_542,
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
            "ec29112dd5afa0611ce80d1b7f02629c",
        ),
    ),
)

FASHION_MNIST = Source(
    title="Fashion-MNIST",
    folder="fashion-mnist",
    addresses=("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",),
    files=(
        RemoteFile(
            "train-images-idx3-ubyte.gz",
            26_421_880,
            "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        ),
        RemoteFile(
            "train-labels-idx1-ubyte.gz",
            29_515,
            "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            "25c81989df183df01b3e8a0aad5dffbe",
        ),
        RemoteFile(
            "t10k-images-idx3-ubyte.gz",
            4_422_102,
            "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            "bef4ecab320f06d8554ea6380940ec79",
        ),
        RemoteFile(
            "t10k-labels-idx1-ubyte.gz",
            5_148,
            "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
            "bb300cfdad3c16e7a12a480ee83cd310",
        ),
    ),
)

CIFAR10 = Source(
    title="CIFAR-10",
    folder="cifar10",
    addresses=("https://www.cs.toronto.edu/~kriz/",),
    files=(
        RemoteFile(
            "cifar-10-python.tar.gz",
            170_498_071,
            "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
            "c58f30108f718f92721af3b95e74349a",
        ),
    ),
)

CIFAR100 = Source(
    title="CIFAR-100",
    folder="cifar100",
    addresses=("https://www.cs.toronto.edu/~kriz/",),
    files=(
        RemoteFile(
            "cifar-100-python.tar.gz",
            169_001_437,
            "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
            "eb9058c3a382ffc7106e4002c42a8d85",
        ),
    ),
)

#: sha256 of the uncompressed idx files of the derived letters split, by file name (see `derived_letters`).
DERIVED_LETTERS = {
    "letters-from-byclass-bymerge-train-images-idx3-ubyte": (
        "34c46dff31bb7312b8e12fb48266c0d56877f52fb6e7ac5420c9c9058d9935a3"
    ),
    "letters-from-byclass-bymerge-train-labels-idx1-ubyte": (
        "486f8d955125429c99abca70faf0adb88f311f1783e9b14cd8e478be7f6e011b"
    ),
    "letters-from-byclass-bymerge-test-images-idx3-ubyte": (
        "702b25ac8c0f97eb15ecca27e70101e89453a8f0854f0b5ff0aa1767804d3af4"
    ),
    "letters-from-byclass-bymerge-test-labels-idx1-ubyte": (
        "af603ea11a25f2a3018e23329d00f1e63a1fc4a43d788f5826aef71ade224fa6"
    ),
}
