#include "http/frame.h"
