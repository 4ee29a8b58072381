"""Elementwise activations: `ReLU` and its variants, `GELU`, `SiLU`, `Sigmoid`, `Tanh` and others."""

from __future__ import annotations

from typing import Literal

from .. import _core
from .layer import Layer
from .registry import register


@register
class ReLU(Layer):
    """y = max(x, 0). NaN stays NaN; the derivative at 0 is 0.

    Shapes:
        Any, kept.

    Example:
        >>> import numpy as np
        >>> from cnnfast import nn
        >>> nn.ReLU()(np.array([[-1.0, 0.5]], dtype=np.float32))
        array([[0. , 0.5]], dtype=float32)
    """

    _operation = _core.ReLU

    def __init__(self) -> None:
        super().__init__(_core.ReLU())


@register
class GELU(Layer):
    """A smooth ReLU: y = x * P(X <= x), X normally distributed.

    Args:
        approximate: "none" for the exact form by the error function; "tanh" for
            0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))), which differs by up to 5e-4.

    Shapes:
        Any, kept.

    Raises:
        ValueError: Another `approximate`.

    Source: Hendrycks and Gimpel 2016, arXiv:1606.08415.

    Example:
        >>> import numpy as np
        >>> from cnnfast import nn
        >>> nn.GELU()(np.array([[-1.0, 0.0, 1.0]], dtype=np.float32)).round(4)
        array([[-0.1587,  0.    ,  0.8413]], dtype=float32)
    """

    _operation = _core.GELU

    def __init__(self, approximate: Literal["none", "tanh"] = "none") -> None:
        super().__init__(_core.GELU(approximate))


@register
class LeakyReLU(Layer):
    """y = x above 0, negative_slope * x below.

    Args:
        negative_slope: The derivative at 0 and below.

    Shapes:
        Any, kept.

    Raises:
        TypeError: Not a number.
        ValueError: Not finite.

    Source: Maas, Hannun and Ng 2013, "Rectifier nonlinearities improve neural network acoustic models".

    Example:
        >>> import numpy as np
        >>> from cnnfast import nn
        >>> nn.LeakyReLU(0.125)(np.array([[-2.0, 0.5]], dtype=np.float32))
        array([[-0.25,  0.5 ]], dtype=float32)
    """

    _operation = _core.LeakyReLU

    def __init__(self, negative_slope: float = 0.01) -> None:
        super().__init__(_core.LeakyReLU(negative_slope))


@register
class ELU(Layer):
    """y = x above 0, alpha * (exp(x) - 1) below: smooth at 0 for alpha 1, with limit -alpha.

    Args:
        alpha: The negative of the limit at minus infinity.

    Shapes:
        Any, kept.

    Raises:
        TypeError: Not a number.
        ValueError: Not finite.

    Source: Clevert, Unterthiner and Hochreiter 2016, arXiv:1511.07289.

    Example:
        >>> import numpy as np
        >>> from cnnfast import nn
        >>> nn.ELU()(np.array([[-1.0, 0.5]], dtype=np.float32)).round(4)
        array([[-0.6321,  0.5   ]], dtype=float32)
    """

    _operation = _core.ELU

    def __init__(self, alpha: float = 1.0) -> None:
        super().__init__(_core.ELU(alpha))


@register
class SELU(Layer):
    """ELU with the two constants that preserve mean 0 and variance 1 from layer to layer.

    y = gamma * x above 0, gamma * alpha * (exp(x) - 1) below; for weights initialized with variance
    1 / inputs (`init.lecun_normal`).

    Args:
        alpha, gamma: 1.6732... and 1.0507..., or others, as ONNX's Selu takes them.

    Shapes:
        Any, kept.

    Raises:
        TypeError: Not a number.
        ValueError: Not finite.

    Source: Klambauer et al. 2017, arXiv:1706.02515.

    Example:
        >>> import numpy as np
        >>> from cnnfast import nn
        >>> nn.SELU()(np.array([[-1.0, 0.5]], dtype=np.float32)).round(4)
        array([[-1.1113,  0.5254]], dtype=float32)
    """

    _operation = _core.SELU

    def __init__(self, *, alpha: float = 1.6732632423543772, gamma: float = 1.0507009873554805) -> None:
        super().__init__(_core.SELU(alpha, gamma))


@register
class SiLU(Layer):
    """y = x / (1 + exp(-x)), also called swish.

    Shapes:
        Any, kept.

    Source: Elfwing, Uchibe and Doya 2018, arXiv:1702.03118.

    Example:
        >>> import numpy as np
        >>> from cnnfast import nn
        >>> nn.SiLU()(np.array([[-1.0, 0.0, 1.0]], dtype=np.float32)).round(4)
        array([[-0.2689,  0.    ,  0.7311]], dtype=float32)
    """

    _operation = _core.SiLU

    def __init__(self) -> None:
        super().__init__(_core.SiLU())


@register
class Mish(Layer):
    """y = x * tanh(log(1 + exp(x))).

    Shapes:
        Any, kept.

    Source: Misra 2020, arXiv:1908.08681.

    Example:
        >>> import numpy as np
        >>> from cnnfast import nn
        >>> nn.Mish()(np.array([[-1.0, 0.0, 1.0]], dtype=np.float32)).round(4)
        array([[-0.3034,  0.    ,  0.8651]], dtype=float32)
    """

    _operation = _core.Mish

    def __init__(self) -> None:
        super().__init__(_core.Mish())


@register
class Sigmoid(Layer):
    """The logistic function, y = 1 / (1 + exp(-x)).

    A network trained with the loss "bce_with_logits" should not end in it, as the loss expects logits.

    Shapes:
        Any, kept.

    Example:
        >>> import numpy as np
        >>> from cnnfast import nn
        >>> nn.Sigmoid()(np.array([[-1.0, 0.0, 1.0]], dtype=np.float32)).round(4)
        array([[0.2689, 0.5   , 0.7311]], dtype=float32)
    """

    _operation = _core.Sigmoid
    output_kind = "sigmoid"

    def __init__(self) -> None:
        super().__init__(_core.Sigmoid())


@register
class Tanh(Layer):
    """The hyperbolic tangent, from -1 to 1.

    Shapes:
        Any, kept.

    Example:
        >>> import numpy as np
        >>> from cnnfast import nn
        >>> nn.Tanh()(np.array([[-1.0, 0.0, 1.0]], dtype=np.float32)).round(4)
        array([[-0.7616,  0.    ,  0.7616]], dtype=float32)
    """

    _operation = _core.Tanh

    def __init__(self) -> None:
        super().__init__(_core.Tanh())


@register
class ScaledTanh(Layer):
    """y = alpha * tanh(beta * x), by default the activation of LeNet-5, which is close to 1 at 1 and steep
    from -1 to 1.

    Args:
        alpha: The largest output.
        beta: The slope at 0, divided by alpha.

    Shapes:
        Any, kept.

    Raises:
        TypeError: Not a number.
        ValueError: Not finite.

    Source: LeCun et al. 1998, Gradient-based learning applied to document recognition, appendix A.

    Example:
        >>> import numpy as np
        >>> from cnnfast import nn
        >>> nn.ScaledTanh()(np.array([[-1.0, 0.0, 1.0, 9.0]], dtype=np.float32)).round(4)
        array([[-1.    ,  0.    ,  1.    ,  1.7159]], dtype=float32)
    """

    _operation = _core.ScaledTanh

    def __init__(self, alpha: float = 1.7159, beta: float = 2 / 3) -> None:
        super().__init__(_core.ScaledTanh(alpha, beta))


@register
class Softplus(Layer):
    """A smooth ReLU: y = log(1 + exp(beta * x)) / beta.

    Args:
        beta: Larger values are closer to ReLU.
        threshold: If beta * x is larger, y = x. It is not needed against overflow, but for compatibility with
            PyTorch.

    Shapes:
        Any, kept.

    Raises:
        TypeError: Not a number.
        ValueError: Not finite; a beta that is not above 0.

    Source: Dugas et al. 2000, "Incorporating second-order functional knowledge for better option pricing".

    Example:
        >>> import numpy as np
        >>> from cnnfast import nn
        >>> nn.Softplus()(np.array([[-1.0, 0.0, 1.0]], dtype=np.float32)).round(4)
        array([[0.3133, 0.6931, 1.3133]], dtype=float32)
    """

    _operation = _core.Softplus

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__(_core.Softplus(beta, threshold))


@register
class Hardswish(Layer):
    """Piecewise approximation of SiLU: y = x * min(max(x + 3, 0), 6) / 6.

    Shapes:
        Any, kept.

    Source: Howard et al. 2019, arXiv:1905.02244.

    Example:
        >>> import numpy as np
        >>> from cnnfast import nn
        >>> nn.Hardswish()(np.array([[-4.0, -1.0, 1.0, 4.0]], dtype=np.float32)).round(4)
        array([[-0.    , -0.3333,  0.6667,  4.    ]], dtype=float32)
    """

    _operation = _core.Hardswish

    def __init__(self) -> None:
        super().__init__(_core.Hardswish())


@register
class Hardsigmoid(Layer):
    """Piecewise linear approximation of the sigmoid: y = min(max(alpha * x + beta, 0), 1).

    Args:
        alpha, beta: Slope and value at 0. By default y = min(max(x + 3, 0), 6) / 6, as in PyTorch; ONNX's
            HardSigmoid has alpha 0.2 and beta 0.5 by default.

    Shapes:
        Any, kept.

    Raises:
        TypeError: Not a number.
        ValueError: Not finite; an alpha that is not above 0, or so small that the ends of the line lie beyond
            1e30.

    Source: Courbariaux, Bengio and David 2015, arXiv:1511.00363 (there with other constants).

    Example:
        >>> import numpy as np
        >>> from cnnfast import nn
        >>> nn.Hardsigmoid()(np.array([[-4.0, 0.0, 1.0]], dtype=np.float32)).round(4)
        array([[0.    , 0.5   , 0.6667]], dtype=float32)
    """

    _operation = _core.Hardsigmoid
    output_kind = "sigmoid"

    def __init__(self, *, alpha: float = 1 / 6, beta: float = 0.5) -> None:
        super().__init__(_core.Hardsigmoid(alpha, beta))


@register
class Softsign(Layer):
    """From -1 to 1 as `Tanh`, but approaching them slowly: y = x / (1 + |x|). NaN at infinity.

    Shapes:
        Any, kept.

    Source: Turian, Bergstra and Bengio 2009, "Quadratic features and deep architectures for chunking".

    Example:
        >>> import numpy as np
        >>> from cnnfast import nn
        >>> nn.Softsign()(np.array([[-1.0, 0.0, 3.0]], dtype=np.float32))
        array([[-0.5 ,  0.  ,  0.75]], dtype=float32)
    """

    _operation = _core.Softsign

    def __init__(self) -> None:
        super().__init__(_core.Softsign())
