$U
