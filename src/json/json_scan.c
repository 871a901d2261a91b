#include "json/json_scan.h"
