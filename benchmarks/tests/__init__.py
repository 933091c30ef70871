"""Tests of the suite itself: `make bench/test`. They need no server and no rival."""
