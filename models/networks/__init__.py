"""Plans and weights of the backbones -> networks in Keras, PyTorch and TFLite."""
