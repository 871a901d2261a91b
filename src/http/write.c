#include "http/write.h"
