"""Where jobs run. An executor takes jobs and watches, and gives their answers back; it decides nothing else."""
