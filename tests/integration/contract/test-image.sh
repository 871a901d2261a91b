#!/bin/bash
# test-image.sh

PROJECT=$1

# Build image
image-create $PROJECT || exit 1

# Create test container
container-create test-$PROJECT || exit 1
container-start test-$PROJECT || exit 1

# Run tests
container-attach test-$PROJECT <<EOF
cd /workspace/$PROJECT
pytest tests/
EXIT_CODE=$?
exit $EXIT_CODE
EOF

TEST_RESULT=$?

# Cleanup
container-remove test-$PROJECT --stop

# Report
if [ $TEST_RESULT -eq 0 ]; then
echo "Tests passed!"
else
echo "Tests failed!"
exit 1
fi
