# shellcheck shell=bash
# fault.sh - what can go wrong with a node, on demand.
