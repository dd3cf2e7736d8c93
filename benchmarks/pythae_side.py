"""VAEs of perceptrons as pythae builds, trains and judges them; pythae is no dependency: `pip install pythae`."""

import itertools
import tempfile
from collections.abc import Sequence

import numpy as np

IMAGE = (1, 28, 28)


def model(hidden: Sequence[int], latent_dim: int):
    """pythae's `VAE` of binary images, with perceptrons of tanh units of these widths on both sides."""
    from pythae.models import VAE, VAEConfig
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder, BaseEncoder
    from torch import nn

    class Encoder(BaseEncoder):
        def __init__(self):
            super().__init__()
            self.network = perceptron(784, *hidden, 2 * latent_dim)

        def forward(self, x):
            mean, log_variance = self.network(x.reshape(len(x), -1)).chunk(2, dim=1)
            return ModelOutput(embedding=mean, log_covariance=log_variance)

    class Decoder(BaseDecoder):
        def __init__(self):
            super().__init__()
            layers = perceptron(latent_dim, *reversed(hidden), 784)
            self.network = nn.Sequential(layers, nn.Sigmoid())

        def forward(self, z):
            return ModelOutput(reconstruction=self.network(z).reshape(len(z), *IMAGE))

    config = VAEConfig(
        input_dim=IMAGE, latent_dim=latent_dim, reconstruction_loss="bce"
    )
    return VAE(model_config=config, encoder=Encoder(), decoder=Decoder())


def train(vae, images: np.ndarray, epochs: int, batch: int) -> None:
    """So many epochs of pythae's `BaseTrainer` on `images: [N, 784]` of zeros and ones."""
    import torch
    from pythae.data.datasets import BaseDataset
    from pythae.trainers import BaseTrainer, BaseTrainerConfig

    x = torch.from_numpy(images.reshape(-1, *IMAGE))
    with tempfile.TemporaryDirectory() as folder:
        config = BaseTrainerConfig(
            output_dir=folder,
            num_epochs=epochs,
            learning_rate=1e-3,
            per_device_train_batch_size=batch,
            no_cuda=True,
            keep_best_on_train=True,
        )
        data = BaseDataset(x, torch.zeros(len(x)))
        BaseTrainer(model=vae, train_dataset=data, training_config=config).train()


def perceptron(*sizes: int):
    """Layers of these sizes with tanh between them."""
    from torch import nn

    layers = []
    for inputs, outputs in itertools.pairwise(sizes):
        layers += [nn.Linear(inputs, outputs), nn.Tanh()]
    return nn.Sequential(*layers[:-1])
