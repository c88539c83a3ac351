#!/usr/bin/env bash
# Install the wheel, then the sdist, each into an environment that holds nothing else, and use it as a stranger would.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
python=${PYTHON:-python3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for package in "$root"/dist/sibnlp-*.whl "$root"/dist/sibnlp-*.tar.gz; do
  venv=$work/$(basename "$package").venv
  "$python" -m venv "$venv" >/dev/null 2>&1 || { rm -rf "$venv"; "$python" -m venv --without-pip "$venv"; }
  "$python" -m pip --python "$venv/bin/python" --disable-pip-version-check install --quiet -c "$root/constraints.txt" "$package"
  cd "$work" # away from the checkout, so that nothing is found there by accident
  "$venv/bin/sibnlp" --help >/dev/null
  "$venv/bin/sibnlp" models | grep gov-fast >/dev/null
  "$venv/bin/sibnlp" codebook show | grep practices >/dev/null
  cp -r "$root/corpora/demo/case" "$work/case"
  "$venv/bin/sibnlp" run "$work/case" -o "$work/report" --force
  test -s "$work/report/report.html"
  "$venv/bin/python" -c 'import spacy; nlp = spacy.blank("en"); nlp.add_pipe("sibnlp"); assert nlp("We share what we learn.").cats'
  rm -rf "$work/case" "$work/report"
  echo "$(basename "$package"): installed alone, ran the demo case"
done
