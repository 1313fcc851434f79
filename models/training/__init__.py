"""A recipe and the face data -> a trained checkpoint: distillation, heads, quantisation-aware training."""
