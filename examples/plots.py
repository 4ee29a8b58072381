"""A tour of cf.plot: trainings, results, learning rates, activations, kernels, feature maps and graphs.

It trains on synthetic letters, and needs matplotlib.
"""

# %% Learning curves
# Single steps are the pale line.
import cnnfast as cf

train, test = cf.datasets.glyphs(6000, seed=0), cf.datasets.glyphs(1000, seed=1)
model = cf.models.d4(seed=0, num_classes=26).to("float64")
optimizer = cf.optim.Adam(lr=3e-3)
history = cf.fit(
    model,
    train,
    epochs=6,
    optimizer=optimizer,
    schedule="cosine",
    validation=test,
    seed=0,
    history_steps=True,
    progress=False,
)
history.plot()

# %% Confusion matrix
result = cf.evaluate(model, test)
print(f"accuracy {result.accuracy:.1%}, most confused: {result.most_confused(3)}")
result.plot()

# %% Learning rate test
cf.lr_find(cf.models.d4(seed=0, num_classes=26), train, steps=60).plot()

# %% Schedules
step = cf.optim.lr_scheduler.StepLR(3, gamma=0.5)
cf.plot.schedule("cosine", "one-cycle", step, epochs=10, lr=0.1)

# %% GELU beside ReLU
# GELU is smooth: its derivative has no step at 0, and is negative left of -0.75.
cf.plot.activation("gelu", "relu")

# %% Kernels
model.plot_kernels("conv1")

# %% Feature maps
cf.plot.feature_maps(model, test.images[0], ["input", "conv1", "relu1", "pool1"])

# %% The layers
cf.plot.graph(model)
