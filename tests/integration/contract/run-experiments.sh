#!/bin/bash
# run-experiments.sh

for config in configs/*.yaml; do
name=$(basename $config .yaml)

# Create and start container
container-create exp-$name --background
container-start exp-$name

# Run experiment
container-attach exp-$name <<EOF
cd /workspace/experiments
python train.py --config $config
exit
EOF

# Cleanup
container-stop exp-$name
container-remove exp-$name
done
