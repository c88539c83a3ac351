"""Training: from coded passages and a recipe to a `sibnlp.model.Model`.

In short::

    from sibnlp.training import Recipe, load_recipe, train
    model = train(codings, [codebook], load_recipe("static"), name="mine")
    model.save("mine")

Every figure, calibration and threshold comes from passages of documents the classifier had not seen. Documents that
share a speaker are held out together, unless that leaves too few parts (`sibnlp.training.folds.groups_of`). Figures are
per code, before the rules of families apply and at the share that carries the code among the codings.
"""

from __future__ import annotations

from sibnlp.training.recipe import Recipe, load_recipe, parse_recipe, recipes
from sibnlp.training.train import train

__all__ = ["Recipe", "load_recipe", "parse_recipe", "recipes", "train"]
