/* Manifests as strategies. A strategy may name Kubernetes manifests instead of a policy and its parameters:
 *
 *     strategies:
 *       hpa:  {scale: {manifest: hpa.yaml}}            # also under deployments.NAME.scale and nodes; a manifest may stand there itself
 *       prod: {manifest: k8s/}                         # a file or a folder; what `-f` of the command line makes
 *
 * manifest_load puts the documents themselves in the place of the files' names, so that edits and sweeps reach every field of them;
 * manifest_expand turns a tree with documents into the tree of the native form, made of the documents' own nodes: what is wrong is said
 * with the place in the manifest. Both are pure: any number of threads may expand at once. */
#ifndef SIM_LAB_MANIFEST_H
#define SIM_LAB_MANIFEST_H

#include "sim/lab/inputs.h"

/* The tree in which every `manifest` is a list of documents. NULL with located errors. */
const Yaml *manifest_load(const Yaml *root, Inputs *inputs, Arena *arena, Err *err);
/* The documents of a file or folder named on the command line, as a list; it is found from the current folder. */
const Yaml *manifest_read(const char *path, Inputs *inputs, Arena *arena, Err *err);

/* The native tree. What Deployments among the manifests of `strategy` say (requests, readiness ...) holds for its runs only, so it is in
 * the tree that is made for that strategy; NULL: in none. Fields without effect give warnings. NULL with located errors. */
const Yaml *manifest_expand(const Yaml *root, const char *strategy, const Catalogue *catalogue, Arena *arena, Err *err);
/* Has any strategy manifests? */
bool manifest_any(const Yaml *root);

/* The path of an edit, led into the documents: `strategies.S.scale.spec...` means the spec of the one autoscaler among them,
 * `...manifest.KIND...` and `...manifest.KIND/NAME...` a document. False with *why. */
bool manifest_path(const Yaml *root, const YamlStep **step, size_t *n_steps, Arena *arena, const char **why);
/* The kind of the quantity at a path that leads into documents (manifest_path has led it), or -1. */
int manifest_kind_at(const Yaml *root, const YamlStep *step, size_t n_steps);
/* Does the path set which manifests there are? */
bool manifest_path_names(const YamlStep *step, size_t n_steps);

#endif
