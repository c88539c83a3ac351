"""Large work in pieces that can be lost one by one: what the pieces are, how one is done, and where they are kept.

`units` cuts the input into pieces, by the input alone; `work` does one of them; `store` keeps what is done beside the
output. Who does which piece when is the runner's business (`sibnlp.runners`).
"""
