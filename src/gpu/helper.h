/*
 * The process that talks to the GPU driver. A driver call can block in the kernel for ever, and
 * then nothing short of a reboot ends its thread, so the calls are made in a process that the
 * daemon can do without. The daemon's own program is run again as
 *
 *     ds01d --gpu-helper LIBRARY        with the socket as descriptor GPU_HELPER_FD
 *
 * and main() does, before anything else:
 *
 *     if (argc == 3 && str_equal(argv[1], GPU_HELPER_ARGUMENT))
 *             return gpu_helper_main(GPU_HELPER_FD, argv[2]);
 */
#pragma once

#define GPU_HELPER_ARGUMENT "--gpu-helper"
#define GPU_HELPER_FD 3

/* Serves requests from @fd until its end or the parent's death. Returns the exit status. */
int gpu_helper_main(int fd, const char *library);
