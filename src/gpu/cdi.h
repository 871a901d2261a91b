/*
 * CDI specs (Container Device Interface) of single containers. In attach mode `cdi` each container
 * asks the engine for one device of its own, ds01.local/gpu=KEY, and engines read the spec at every
 * start; so what KEY stands for can be changed between two starts, and without the file the
 * container does not start. The edits come from the site's spec, made by `nvidia-ctk cdi generate`.
 */
#pragma once

#include "base/err.h"
#include "core/inventory.h"

#include <stddef.h>

#define CDI_KIND "ds01.local/gpu"
/* Each device stands in its spec a second time, as KEY:gpu:rwm: that is what podman before 5.4
 * makes of a device that it is asked for through Docker's API. */
#define CDI_ALIAS ":gpu:rwm"

/* Writes DIR/ds01-KEY.json (replaced atomically, DIR made when it is not there): one device KEY
 * whose edits are those of the @n devices named in @uuids merged with the common ones of
 * @site_spec_path (YAML or JSON; NULL looks for nvidia.yaml and nvidia.json in /etc/cdi and
 * /var/run/cdi). A device is found by its UUID as name, else by @names[i] ("0"), as older
 * nvidia-ctk names devices by index only; @names may be NULL, and a name "". KEY: letters, digits,
 * '_', '-', '.', beginning and ending with a letter or digit, 64 at most. 0 or -errno: -ENOENT (no
 * site spec), -ENODEV (device not in it), -EINVAL (bad key or spec). */
int cdi_write(const char *dir, const char *key, const char *const *uuids,
              const char *const *names, size_t n, const char *site_spec_path, struct err *e);

/* Removes DIR/ds01-KEY.json; 0 also when it is not there. */
int cdi_remove(const char *dir, const char *key);

/* The name that nvidia-ctk gives @d by index: "0". "" for a MIG instance: nvidia-ctk counts slots,
 * of which some can be empty, and a wrong guess would give away someone else's instance. */
void cdi_index_name(const struct gpu_device *d, char *dst, size_t size);

/* A site spec for a machine whose GPUs are simulated: /dev/nvidiaN and the control nodes are
 * /dev/null. Replaced atomically. */
int cdi_write_simulated_site_spec(const char *path, const struct gpu_inventory *inv,
                                  struct err *e);
