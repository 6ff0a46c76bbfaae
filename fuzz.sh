#!/usr/bin/env bash
# Mutation fuzzing of every wire parser: ./fuzz.sh [iterations a parser, default 1,000,000]
# The test suite runs the same with a few thousand.
set -euo pipefail
cd "$(dirname "$0")"
export FUZZ_ITERATIONS=${1:-1000000}
for project in test/Media.Tests test/ApiFrontend.Tests test/Clustering.Tests; do
  dotnet test "$project" -c Release --nologo --filter "FullyQualifiedName~Fuzz" --logger "console;verbosity=normal"
done
