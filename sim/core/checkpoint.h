/* How long to compute between two checkpoints when failures strike at random: cost and mean time between failures in any one unit. */
#ifndef SIM_CORE_CHECKPOINT_H
#define SIM_CORE_CHECKPOINT_H

/* sqrt(2 C M). Source: Young, "A first order approximation to the optimum checkpoint interval", CACM 17 (1974). */
double checkpoint_young(double cost_ns, double mtbf_ns);
/* The higher-order estimate; M where a checkpoint costs as much as 2 M. Source: Daly, FGCS 22 (2006), eq. 37. */
double checkpoint_daly(double cost_ns, double mtbf_ns);

#endif
