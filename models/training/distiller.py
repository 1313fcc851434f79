"""Batches and a student network -> the trained student, with a checkpoint every few steps."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch.nn import functional

from models.errors import TrainingError
from models.networks.torch_network import TorchNetwork
from models.recipe.sections import Distillation
from models.training.batches import Batch, Batches
from models.training.run_folder import RunFolder, TrainingState

_REPORT_S = 10.0


@dataclass(frozen=True, slots=True)
class TrainingProgress:
    """Progress of a training.

    Attributes:
        step: steps done.
        steps: steps in total.
        losses: losses of the last step, by name.
        views_per_s: throughput since the start of this run.
        left_s: estimated time left, seconds.
    """

    step: int
    steps: int
    losses: Mapping[str, float]
    views_per_s: float
    left_s: float


class Distiller:
    """Train a student network to give its teacher's embeddings.

    Args:
        student: the network, with its initial weights.
        batches: the training pictures and targets.
        settings: the recipe's [distillation].
        folder: where checkpoints are kept.
        recipe: digest of all that a checkpoint depends on, except length and learning-rate decay.
        balance: exponent p of the class weights: a class of n pictures weighs n^-p.
    """

    def __init__(
        self,
        student: TorchNetwork,
        batches: Batches,
        settings: Distillation,
        folder: RunFolder,
        recipe: str,
        *,
        balance: float,
    ) -> None:
        self._student = student
        self._batches = batches
        self._settings = settings
        self._folder = folder
        self._recipe = recipe
        self._targets = torch.from_numpy(batches.targets)
        self._class_weights = {head: torch.from_numpy(batches.weights(head, balance)) for head in student.heads}
        kernels = [value for value in student.parameters() if value.ndim > 1]
        others = [value for value in student.parameters() if value.ndim <= 1]
        self._optimizer = torch.optim.AdamW(
            [{"params": kernels, "weight_decay": settings.weight_decay}, {"params": others, "weight_decay": 0.0}],
            lr=settings.learning_rate,
            fused=True,
        )
        self.curve: dict[str, list[float]] = {}
        self._done = 0

    @property
    def _fall_begins(self) -> int:
        return int(self._settings.steps * (1 - self._settings.fall_share))

    def rate(self, step: int) -> float:
        """Return the learning rate of a step, counted from 0."""
        settings = self._settings
        if step < settings.warmup_steps:
            return settings.learning_rate * (step + 1) / settings.warmup_steps
        if step < self._fall_begins:
            return settings.learning_rate
        left = (settings.steps - step) / max(1, settings.steps - self._fall_begins)
        return settings.learning_rate * settings.settled_rate * left

    def resume(self) -> int:
        """Load the newest checkpoint that fits this schedule; return the number of steps done, 0 without one.

        A training with more steps than before resumes from the checkpoint taken before the learning rate decayed.

        Raises:
            TrainingError: a checkpoint is damaged, or is that of another recipe.
        """
        for name in ("latest", "steady"):
            state = self._folder.load(self._recipe, name)
            if state is None or (name == "latest" and not self._could_have_written(state)):
                continue
            self._student.load_state_dict(state.model)
            self._optimizer.load_state_dict(state.optimizer)
            self.curve = {loss: list(values) for loss, values in state.curve.items()}
            self._done = state.step
            return state.step
        return 0

    def _could_have_written(self, state: TrainingState) -> bool:
        rates = state.curve["rate"]
        return abs(rates[-1] - self.rate(state.step - 1)) <= 1e-9 + 1e-6 * self._settings.learning_rate

    def train(self, report: Callable[[TrainingProgress], None]) -> None:
        """Train to the end.

        Args:
            report: called about every ten seconds, and at the end.

        Raises:
            TrainingError: the loss is not finite, or a checkpoint cannot be written.
        """
        settings, student = self._settings, self._student
        student.train()
        began, first, reported_s = time.monotonic(), self._done, 0.0
        for step in range(self._done, settings.steps):
            if step == self._fall_begins:
                self._save("steady")
            if step >= self._fall_begins:
                student.freeze_batch_norm()
            losses = self._step(step)
            for name, value in losses.items():
                self.curve.setdefault(name, []).append(value)
            self._done = step + 1
            last = self._done == settings.steps
            if last or self._done % settings.save_steps == 0:
                self._save("latest")
            now = time.monotonic()
            if last or now - reported_s >= _REPORT_S:
                reported_s = now
                pace = (self._done - first) / (now - began)
                left_s = (settings.steps - self._done) / pace
                report(TrainingProgress(self._done, settings.steps, losses, pace * settings.batch, left_s))
        student.eval()

    def _save(self, name: str) -> None:
        model, optimizer = self._student.state_dict(), self._optimizer.state_dict()
        self._folder.save(TrainingState(self._recipe, self._done, model, optimizer, self.curve), name)

    def _step(self, step: int) -> dict[str, float]:
        settings = self._settings
        rate = self.rate(step)
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        batch = self._batches.batch(step, settings.batch)
        self._optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16):
            outputs = self._student(torch.from_numpy(batch.pictures))
        losses = self._losses(outputs, batch)
        loss = losses["cosine"] * settings.cosine_weight + losses["neighbours"] * settings.neighbours_weight
        for head in self._class_weights:
            loss = loss + losses[head] * settings.heads_weight
        if not torch.isfinite(loss):
            raise TrainingError(f"step {step}: the loss is {loss.item()}: lower distillation.learning_rate")
        loss.backward()
        self._optimizer.step()
        return {"rate": rate, "loss": loss.item()} | {name: value.item() for name, value in losses.items()}

    def _losses(self, outputs: Mapping[str, torch.Tensor], batch: Batch) -> dict[str, torch.Tensor]:
        """Return the losses by name.

        `cosine` is 1 - cos to the teacher's embedding. `neighbours` makes the student rank all training pictures by
        similarity as the teacher does: the Kullback-Leibler divergence between softmaxes of their cosines, as in SEED
        (Fang et al., arXiv 2101.04731); 0 for a student equal to its teacher.
        """
        unit = functional.normalize(outputs["embedding"].float(), dim=1)
        target = self._targets[torch.from_numpy(batch.numbers)]
        losses = {"cosine": 1 - (unit * target).sum(dim=1).mean()}
        wanted = functional.log_softmax(target @ self._targets.T / self._settings.temperature, dim=1)
        given = functional.log_softmax(unit @ self._targets.T / self._settings.temperature, dim=1)
        losses["neighbours"] = functional.kl_div(given, wanted, reduction="batchmean", log_target=True)
        for head, weights in self._class_weights.items():
            target_shares = torch.from_numpy(batch.label_targets[head])
            weighted = target_shares * weights
            cross = -(weighted * functional.log_softmax(outputs[head].float(), dim=1)).sum(dim=1)
            losses[head] = cross.sum() / weighted.sum().clamp(min=1.0)
        return losses
