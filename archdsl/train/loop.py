"""The loop: batches through the network, gradients, steps; validations; what is kept on the way.

It is Lightning's Fabric that brings the network, the gradients and the batches to the devices, in
the precision and over the processes that are asked for; the loop itself is here. Lightning's
Trainer would bring its own, and that does not say where in an epoch it stood to the batch: a run
that was killed could not go on as if nothing had happened. Fabric also adds little to a step, where
the Trainer calls some dozen hooks; `make bench ARGS=train` measures what is left.
"""

from __future__ import annotations

import time
from math import inf, isfinite, nan
from typing import TYPE_CHECKING, Any

from archdsl.train import draws, schedule, shard
from archdsl.train.data.examples import over
from archdsl.train.data.loader import Batch
from archdsl.train.diagnose import culprit, remedies, unsound
from archdsl.train.frozen import carry, is_due
from archdsl.train.optimize import Ema, set_rate
from archdsl.train.parts import Parts, Progress
from archdsl.train.refuse import refusal, unread
from archdsl.train.validate import handed_over, laid_out, one_or_more, validated
from archdsl.train.watch import Row, Step, Watch

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from archdsl.train.blends import Terms


_ASKED = 10  # steps between two questions to the first process, whether to save or to stop


class Interrupted(Exception):
    """The training was asked to stop, and has."""


class Loop:
    """A training under way."""

    def __init__(
        self,
        parts: Parts,
        watch: Watch,
        ema: Ema | None,
        due: Callable[[int], bool],
        thawed: Callable[[int], Parts],
    ) -> None:
        """Make ready, without a step.

        Args:
            parts: what it begins with.
            watch: who looks on.
            ema: the running mean of the weights, if there is one.
            due: whether a checkpoint is, behind a step.
            thawed: gives the parts that train everything, behind so many epochs.
        """
        training = parts.graph.training
        assert training is not None
        self.parts, self.watch, self.ema, self.due = parts, watch, ema, due
        self.thawed = thawed
        self.training = training
        self.lr: float = getattr(training.optimizer, "lr", 1.0)
        self.total = schedule.total_steps(training, parts.batches.steps)
        self.rate = schedule.share(training, self.lr, parts.batches.steps)
        self.progress = Progress()
        self.stop = False
        """Set from outside to end behind the step, or the batch of a validation, under way."""
        self._sums = [0.0, 0.0, 0.0]
        """Of this process: losses, right answers, examples of the present epoch."""
        self._began = 0.0

    # Whole epochs

    def run(self) -> None:
        """Train to the end.

        Raises:
            Interrupted: it was asked to stop; everything is kept.
            TrainError: the loss is no number, or the data are not what was asked for.
        """
        progress = self.progress
        self.watch.begin(progress.step, self.total)
        self._follow()
        while progress.step < self.total or progress.batch:  # that one is still to be validated
            self._thaw()
            self._epoch()
            try:
                self._finish_epoch()
            except Interrupted:
                self.watch.save(self.state())
                raise
            last = progress.step >= self.total
            wish = self._agreed(self.stop or self.due(progress.step))
            if last or wish:
                self.watch.save(self.state())
            if self.stop and not last:
                raise Interrupted

    def _thaw(self) -> None:
        """Train everything from now on, if that is due at the beginning of this epoch."""
        progress = self.progress
        if not self.parts.frozen.layers or progress.batch:
            return
        if is_due(self.training, progress.epoch, progress.waiting):
            before, self.parts = self.parts, self.thawed(progress.epoch)
            carry(before.optimizers, self.parts.optimizers)
            self._follow()

    def _follow(self) -> None:
        """Let the running mean take in what changes."""
        if self.ema is not None:
            self.ema.follow(self.parts.module, self.parts.frozen.state)

    def _epoch(self) -> None:
        parts, progress = self.parts, self.progress
        parts.learning()
        before = [progress.loss, progress.right, float(progress.seen)]
        first = parts.batches.share.rank == 0  # it has what was counted before
        self._sums = before if first else [0.0, 0.0, 0.0]
        self._began = time.perf_counter() - progress.seconds
        start = progress.batch
        if start == len(parts.batches) or progress.step >= self.total:
            return  # stopped in its validation, which alone is left to do
        for number, batch in enumerate(parts.batches.epoch(progress.epoch, start), start):
            loss, accuracy = self._batch(number, batch)
            progress.batch = number + 1
            if not parts.batches.closes(number):
                continue
            self._step()
            self.watch.step(Step(progress.step, loss, accuracy, self._images_a_second()))
            if progress.step >= self.total:
                return
            at_end = progress.batch == len(parts.batches)
            if not at_end and self._agreed(self.stop or self.due(progress.step)):
                self.watch.save(self.state())
                if self.stop:
                    raise Interrupted

    def _finish_epoch(self) -> None:
        progress, plateau = self.progress, self.progress.plateau
        self._count()
        if not progress.seen:
            raise unread()
        images_per_second = self._images_a_second()  # of training alone
        loss, accuracy = self._validated()
        row = Row(
            epoch=progress.epoch + 1,
            step=progress.step,
            lr=self.lr * self.rate(progress.step - 1) * plateau.factor,
            train_loss=progress.loss / progress.seen,
            train_accuracy=progress.right / progress.seen if self.counts else nan,
            valid_loss=loss,
            valid_accuracy=accuracy,
            seconds=time.perf_counter() - self._began,
            images_per_second=images_per_second,
        )
        progress.rows.append(row)
        seen = self._seen(row)
        plateau.see(self.training.schedule, self.lr, *seen)
        progress.waiting.see(seen[0])
        worth = _worth(row, self.counts)
        if worth >= progress.best or self.parts.valid is None:
            progress.best = worth
            self.watch.best(self.handed())
        progress.epoch, progress.batch = progress.epoch + 1, 0
        progress.loss = progress.right = 0.0
        progress.seen, progress.seconds = 0, 0.0
        self.watch.epoch(progress.rows)

    @property
    def counts(self) -> bool:
        return self.parts.objective.counts

    def _seen(self, row: Row) -> tuple[float, float]:
        """What a schedule that watches looks at: the validation, or the training without one."""
        if self.parts.valid is None:
            return row.train_loss, row.train_accuracy
        return row.valid_loss, row.valid_accuracy

    # One batch

    def _batch(self, number: int, batch: Batch) -> tuple[float, float]:
        """Add a batch's gradient to those before it; its loss and accuracy.

        The gradient is the mean over all examples between two changes of the weights, over all
        processes, as if they had been one batch.
        """
        parts, progress = self.parts, self.progress
        share = parts.batches.share
        if batch.broken:
            self._broken(batch.broken)
        if not batch.count and share.world == 1:
            return nan, nan  # none of its images could be read
        draws.settle(self.training.seed.value, "batch", progress.epoch, number, share.rank)
        if batch.count:
            parts.objective.check(batch.targets)
        inputs, targets = self._moved(batch)
        inputs, terms = parts.preparation.learn(inputs, targets)
        inputs = laid_out(self.training, inputs)
        part = batch.count * share.world / parts.batches.window(number)
        with parts.fabric.no_backward_sync(
            parts.model,  # pyright: ignore[reportArgumentType]
            enabled=not parts.batches.closes(number) and share.world > 1,
        ):
            given = parts.model(*one_or_more(inputs))
            loss = parts.objective(given, terms)
            value = float(loss.detach())
            if not isfinite(value):
                self._diverged(inputs, terms, value)
            parts.fabric.backward(loss * part)
        known = over(given, lambda t: t.detach())
        right = float(parts.objective.right(known, terms)) if self.counts else nan
        for i, each in enumerate((value, right, 1.0)):
            self._sums[i] += each * batch.count
        return value, right

    def _moved(self, batch: Batch) -> tuple[Any, Any]:
        """The batch on the device; where this process has none of it, an example that counts 0."""
        if batch.inputs is None:
            first = next(self.parts.batches.epoch(self.progress.epoch))
            inputs, targets = (over(v, lambda t: t[:1]) for v in (first.inputs, first.targets))
        else:
            inputs, targets = batch.inputs, batch.targets
        return self.parts.fabric.to_device((inputs, targets))

    def _step(self) -> None:
        """Change the weights."""
        parts, progress, training = self.parts, self.progress, self.training
        set_rate(parts.optimizers, self.rate(progress.step) * progress.plateau.factor)
        if training.clip is not None:
            self._clip(training.clip.most, training.clip.by)
        for optimizer in parts.optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        if self.ema is not None:
            self.ema.update()
        progress.step += 1

    def _clip(self, most: float, by: str) -> None:
        """Bound the gradient of all weights together, whichever optimizer trains them."""
        import torch

        parts = self.parts
        for optimizer in parts.optimizers:  # fp16's gradients are scaled until here
            precision = parts.fabric._precision
            precision.unscale_gradients(getattr(optimizer, "optimizer", optimizer))
        weights = [w for w in parts.module.parameters() if w.grad is not None]
        if by == "value":
            torch.nn.utils.clip_grad_value_(weights, most)
        else:
            torch.nn.utils.clip_grad_norm_(weights, most)

    # What is counted and kept

    def _validated(self) -> tuple[float, float]:
        """The loss and the accuracy of the weights that are handed over.

        Raises:
            Interrupted: it was asked to stop: all of the epoch but this is done.
        """
        parts = self.parts
        if parts.valid is None:
            return nan, nan
        began = time.perf_counter()
        try:
            with handed_over(parts, self.ema):
                found = self._total(validated(parts, self._broken, self._go_on))
        except Interrupted:
            self._began += time.perf_counter() - began  # it is done again, and counts then
            raise
        loss, right, count = found
        if not count:
            return nan, nan
        if not isfinite(loss):
            epoch = self.progress.epoch + 1
            self.watch.note(
                f"in epoch {epoch} the loss of the validation is {loss}: its data, or what comes "
                "of the weights by then, hold what is no number"
            )
        return loss / count, right / count if self.counts else nan

    def _go_on(self) -> None:
        """End a validation that is asked to stop, where no other process waits for its sums."""
        if self.stop and self.parts.batches.share.world == 1:
            raise Interrupted

    def handed(self) -> dict[str, Tensor]:
        """The weights that are handed over: their running mean, if there is one."""
        own = self.ema.state if self.ema is not None else self.parts.module.state_dict()
        return self._whole(own)

    def _whole(self, state: Any) -> Any:
        """State as one process would have it."""
        return shard.whole(state) if self.parts.sharded else state

    def _count(self) -> None:
        """Bring what was counted so far into `progress`, over all processes."""
        loss, right, seen = self._total(self._sums)
        self.progress.loss, self.progress.right, self.progress.seen = loss, right, int(seen)

    def _total(self, sums: list[float]) -> list[float]:
        """Sums over all processes."""
        if self.parts.batches.share.world == 1:
            return sums
        import torch

        own = torch.tensor(sums, dtype=torch.float64, device=self.parts.fabric.device)
        found: Any = self.parts.fabric.all_reduce(own, reduce_op="sum")
        return found.tolist()

    def _images_a_second(self) -> float:
        parts, progress = self.parts, self.progress
        done = min(progress.batch * parts.batches.size, len(parts.batches.examples))
        return done / max(1e-9, time.perf_counter() - self._began)

    def _agreed(self, wish: bool) -> bool:
        """Whether to keep the state now: the first process decides for all."""
        if self.parts.batches.share.world == 1:
            return wish
        step = self.progress.step
        if self.progress.batch and step % _ASKED:
            return False
        wish, self.stop = self.parts.fabric.broadcast((wish, self.stop))
        return wish

    def state(self) -> dict[str, Any]:
        """All that is needed to go on from here."""
        progress = self.progress
        if progress.batch:
            self._count()
            progress.seconds = time.perf_counter() - self._began
        scaler = getattr(self.parts.fabric._precision, "scaler", None)
        return {
            "progress": progress.to_dict(),
            "model": self._whole(self.parts.module.state_dict()),
            "optimizers": [self._whole(o.state_dict()) for o in self.parts.optimizers],
            "ema": self._whole(self.ema.state) if self.ema is not None else None,
            "scaler": scaler.state_dict() if scaler is not None else None,
            "frozen": bool(self.parts.frozen.layers),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `state` gave."""
        self.progress = Progress.from_dict(state["progress"])
        model, mean = state["model"], state["ema"]
        own = self.parts.module.state_dict()
        if self.parts.sharded:
            model = {key: shard.alike(value, own[key]) for key, value in model.items()}
            mean = mean and {key: shard.alike(value, own[key]) for key, value in mean.items()}
        self.parts.module.load_state_dict(model)
        for optimizer, kept in zip(self.parts.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(
                shard.divided(kept, optimizer) if self.parts.sharded else kept
            )
        if self.ema is not None:
            self.ema.load(mean)
        scaler = getattr(self.parts.fabric._precision, "scaler", None)
        if scaler is not None:
            scaler.load_state_dict(state["scaler"])

    # What goes wrong

    def _broken(self, broken: tuple[str, ...]) -> None:
        if not self.parts.skip_broken:
            can_skip = hasattr(self.training.data, "broken")
            help = "`data … broken=skip` names such images and leaves them out"
            raise refusal("A953", broken[0], help if can_skip else "")
        self.watch.skipped(broken)

    def _diverged(self, inputs: Any, terms: Terms, loss: float) -> None:
        where = unsound(inputs, terms)
        from_data = bool(where)
        if not where:
            where = "its weights are divided, so that no layer is looked for"
            if not self.parts.sharded:
                where = culprit(self.parts, one_or_more(inputs), self.progress.step)
        step = self.progress.step + 1
        label = f"at step {step:,}, in epoch {self.progress.epoch + 1}, the loss is {loss}: {where}"
        rate = self.lr * self.rate(self.progress.step) * self.progress.plateau.factor
        help = "no setting mends that: look for them in the data"
        if not from_data:
            help = remedies(self.parts.graph, rate)
        raise refusal("A956", label, help)


def _worth(row: Row, counts: bool) -> tuple[float, float]:
    """What makes a validation better than another: accuracy, then loss; loss alone without."""
    accuracy = row.valid_accuracy if counts else 0.0
    worth = accuracy, -row.valid_loss
    return worth if all(value == value for value in worth) else (-inf, -inf)
