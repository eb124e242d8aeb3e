$U help
