/** Short texts for readers who see a convolutional network for the first time. */

const BY_SECTION = {
  convolution:
    "A convolution moves a small window over its input. At each place it multiplies the numbers in the window by the " +
    "numbers of a kernel (the weights), adds the products and a bias, and writes the sum into a feature map. The same " +
    "kernel is used at every place, and each output channel has its own kernel for every input channel.",
  activation:
    "An activation function changes each number by itself. Without it, several layers in a row could do no more than one.",
  pooling: "Pooling reduces the size of the maps: each small window becomes one number, its largest value or its mean.",
  flatten: "Flatten writes the maps as one long vector: channel by channel, in each channel row by row.",
  linear:
    "In a fully connected layer every output reads every input. Each output has its own weights: it is the sum of the " +
    "inputs times its weights, plus a bias.",
  normalization:
    "Normalization subtracts a mean and divides by a standard deviation, so that the values of different images and " +
    "channels have similar sizes; then it scales and shifts them with learned numbers.",
  join: "Two or more branches of the network meet here.",
  other: "",
};

const BY_KIND = {
  add: "The values of several branches are added, place by place. In a residual network one branch is the input itself.",
  mul: "The values of two branches are multiplied, place by place.",
  concat: "The channels of several branches are put one after the other.",
  matmul: "The matrix product of two values.",
  softmax: "Softmax turns numbers of any size into fractions that add up to 1: each is exp(x), divided by the sum of all exp(x).",
  rbf: "Each output is the squared distance between the input and a center.",
  copy: "Values are copied or moved; nothing is computed.",
  lrn: "Each value is divided by a power of the sum of squares of the neighboring channels.",
  window_max: "Max pooling keeps the largest number of each small window (marked) and drops the others: the maps become smaller.",
  window_mean: "Average pooling replaces each small window by its mean: the maps become smaller.",
};

/** @param {object} step of the page's data */
export function explanation(step) {
  const transposed = step.rule?.transposed && "A transposed convolution enlarges the maps: each input adds its value times a kernel to a window of the output.";
  if (transposed) return transposed;
  if (step.section === "flatten") return BY_SECTION.flatten;
  return BY_KIND[step.rule?.kind] ?? BY_SECTION[step.section] ?? "";
}

export const INPUT =
  "An image is a grid of numbers, one for each pixel. The network reads them after normalization: the mean is subtracted " +
  "and the result is divided by the standard deviation.";
export const INPUT_OF_NUMBERS = "The numbers that the network reads, after normalization.";
const LOGITS = "The last layer gives one number per class, called a logit: the larger it is, the more likely the class. ";
export const OUTPUT = LOGITS + "Softmax makes probabilities of them, and the class with the largest is the prediction (argmax).";
export const OUTPUT_OF_LABELS = LOGITS + "The function 1 / (1 + exp(−x)) makes a probability of each by itself.";
export const OUTPUT_WITHOUT_CLASSES = "This network has no classes: the output of its last layer is the answer.";
export const BACKWARD =
  "The loss measures how wrong the answer is. Its gradient says, for every number in the network, how much the loss " +
  "changes when that number grows a little. It is computed from the last layer back to the first: the gradient of a value " +
  "is the sum, over everything that reads it, of the reader's gradient times the factor between them. Training subtracts " +
  "a small multiple of each weight's gradient from the weight.";
export const COLORS = "White is 0, red positive, blue negative; the strongest color is the largest magnitude of the layer.";
