# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # Reference
#
# A page to look things up in, during the course and after it. There is nothing to solve here.
#
# - **Formula sheet**: every update rule of the course in one notation, with its defaults, and its names elsewhere.
# - **Glossary**: the words of the field, with the Korean terms of the lecture notes that the course follows.
# - **What the notes get wrong**: each claim beside the experiment that settles it.
# - **Where each topic of the notes went**: heading by heading.
#
# A linked number, such as [01], leads to that week, and § 3 is its third section.
#
# {{links}}

# %% [markdown]
# ## Formula sheet
#
# Everything is element by element: $dw^2$, the root, the quotient and the maximum mean one number at a time. The arrow
# reads "becomes". All states start at 0, and the step counter $t$ starts at 1.
#
# ### Symbols
#
# | Here | Meaning | In papers | In PyTorch |
# |:--|:--|:--|:--|
# | $w$ | parameters (weights and biases) | $\theta$, $x$ | `p` |
# | $dw$ | gradient of the loss with respect to $w$, on this mini-batch | $g_t$, $\nabla f_t$ | `p.grad` |
# | $\alpha$ | learning rate | $\eta$; in Sutskever et al. (2013) $\varepsilon$ | `lr` |
# | $\beta$ | weight of the past in an average | $\mu$, $\gamma$, $\rho$ | `momentum`; in RMSprop `alpha` |
# | $\beta_1, \beta_2$ | the same for Adam's two averages | $\beta_1, \beta_2$ | `betas` |
# | $v$ | first moment, or velocity | Adam: $m$ | `momentum_buffer`, `exp_avg` |
# | $s$ | second moment | Adam: $v$, **not our** $v$ | `square_avg`, `exp_avg_sq`; in Adagrad `sum` |
# | $\hat v, \hat s$ | the moments after bias correction | $\hat m, \hat v$ | not stored |
# | $\varepsilon$ | small number in the denominator | $\epsilon$, $\delta$ | `eps` |
# | $\lambda$ | strength of the weight decay | $\lambda$ | `weight_decay` |
# | $t$ | number of the step, from 1 | $t$, $k$ | `step` |
# | $m$, $B$ | examples in the training set, and in the batch | $N$, $\lvert\mathcal B\rvert$ | `batch_size` |

# %% [markdown]
# ### Averages
#
# | | Rule | Week |
# |:--|:--|:--|
# | Exponentially weighted average | $v_t = \beta\,v_{t-1} + (1-\beta)\,\theta_t$, $\ v_0 = 0$ | [02] |
# | Weight of the value of age $k$ | $(1-\beta)\,\beta^k$; all together $1-\beta^t$ | [02] |
# | Bias correction | $\hat v_t = v_t/(1-\beta^t)$; $v_t$ itself goes on uncorrected | [03] |
# | Reach | mean age $\beta/(1-\beta)$; as little noise as the mean of $(1+\beta)/(1-\beta)$ values; half-life $\ln\frac12/\ln\beta$ | [02] |
# | Correction below $\tau$ | after $\lceil\ln\tau/\ln\beta\rceil$ steps: 44 for $\beta = 0.9$, 4,603 for $\beta = 0.999$, at $\tau = 1\,\%$ | [03] |
#
# In the library: `ema(theta, beta, initial=0.0, bias_correction=False)` of `course_lib.averages`. In pandas:
# `series.ewm(alpha=1 - beta, adjust=True).mean()` is the corrected average.
#
# {{links}}

# %% [markdown]
# ### Optimizers
#
# | | State | Step | Week |
# |:--|:--|:--|:--|
# | `SGD` | | $w \leftarrow w - \alpha\,dw$ | [00.1], [01] |
# | `Momentum` | $v \leftarrow \beta v + (1-\beta)\,dw$ | $w \leftarrow w - \alpha\,v$ | [04] |
# | `HeavyBall` | $v \leftarrow \beta v + dw$ | $w \leftarrow w - \alpha\,v$ | [04] |
# | `Nesterov` | $v \leftarrow \beta v + (1-\beta)\,dw$ | $w \leftarrow w - \alpha\,\big(\beta v + (1-\beta)\,dw\big)$ | [04] |
# | `AdaGrad` | $s \leftarrow s + dw^2$ | $w \leftarrow w - \alpha\,dw\,/\,(\sqrt s + \varepsilon)$ | [05] |
# | `RMSprop` | $s \leftarrow \beta s + (1-\beta)\,dw^2$ | $w \leftarrow w - \alpha\,dw\,/\,(\sqrt s + \varepsilon)$ | [05] |
# | `Adam` | $v \leftarrow \beta_1 v + (1-\beta_1)\,dw$, $\ s \leftarrow \beta_2 s + (1-\beta_2)\,dw^2$ | $w \leftarrow w - \alpha\,\hat v\,/\,(\sqrt{\hat s} + \varepsilon)$, $\ \hat v = v/(1-\beta_1^t)$, $\ \hat s = s/(1-\beta_2^t)$ | [06] |
# | `AdamW` | as Adam | $w \leftarrow w - \alpha\,\big(\hat v\,/\,(\sqrt{\hat s} + \varepsilon) + \lambda w\big)$ | [06] |
# | `AMSGrad` | as Adam, and $s_{\max} \leftarrow \max(s_{\max}, s)$ | as Adam, with $\hat s = s_{\max}/(1-\beta_2^t)$ | [06] |
#
# On the right of each step stands the state that has just been refreshed. The same rules in PyTorch, and where a paper
# first has them:
#
# | In `course_lib.optimizers`, with its defaults | In PyTorch, with its defaults | Paper |
# |:--|:--|:--|
# | `SGD(params, lr)` | `torch.optim.SGD(lr=0.001)` | Cauchy (1847); Robbins and Monro (1951) |
# | `Momentum(params, lr, beta=0.9)` | as the next, at `lr` $= \alpha\,(1-\beta)$ | the lectures' form |
# | `HeavyBall(params, lr, beta=0.9)` | `torch.optim.SGD(lr=0.001, momentum=0)`; 0.9 is what one sets | Polyak (1964); Rumelhart, Hinton and Williams (1986) |
# | `Nesterov(params, lr, beta=0.9)` | `torch.optim.SGD(nesterov=False)`, set to `True`, at `lr` $= \alpha\,(1-\beta)$ | Nesterov (1983) |
# | `AdaGrad(params, lr=0.01, eps=1e-10)` | `torch.optim.Adagrad(lr=0.01, eps=1e-10)` | Duchi, Hazan and Singer (2011) |
# | `RMSprop(params, lr=0.001, beta=0.9, eps=1e-8)` | `torch.optim.RMSprop(lr=0.01, alpha=0.99, eps=1e-8)` | none; Hinton's course (2012) |
# | `Adam(params, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-8)` | `torch.optim.Adam(lr=0.001, betas=(0.9, 0.999), eps=1e-8)` | Kingma and Ba (2015) |
# | `AdamW(params, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.01)` | `torch.optim.AdamW(lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01)` | Loshchilov and Hutter (2019) |
# | `AMSGrad(params, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-8)` | `torch.optim.Adam(amsgrad=False)`, set to `True` | Reddi, Kale and Kumar (2018) |
#
# **Three traps.** A learning rate moved between `Momentum` and `HeavyBall` must be multiplied by $1-\beta$, or divided
# on the way back. Keras starts AdaGrad's $s$ at 0.1, and adds RMSprop's `epsilon` ($10^{-7}$) inside the root. And a
# penalty in the loss is not AdamW's decay: Adam divides it by $\sqrt{\hat s}$ like everything else.
#
# {{links}}

# %% [markdown]
# ### Schedules
#
# `epoch` counts finished epochs from 0: $\text{epoch} = \lfloor (t-1)/\text{steps per epoch} \rfloor$. All are in [07].
#
# | In `course_lib.schedules`, with its defaults | Learning rate at step $t$ | In PyTorch |
# |:--|:--|:--|
# | `constant(lr)` | $\alpha$ | no schedule |
# | `inverse_time(lr0, decay_rate, steps_per_epoch=1)` | $\alpha_0\,/\,(1 + \text{decay rate}\cdot\text{epoch})$ | `LambdaLR`; in Keras `InverseTimeDecay` |
# | `exponential(lr0, factor, steps_per_epoch=1, smooth=False)` | $\alpha_0\cdot\text{factor}^{\,\text{epoch}}$ | `ExponentialLR` |
# | `inverse_sqrt(k, steps_per_epoch=1)` | $k\,/\sqrt{\text{epoch}+1}$; per step $k\,/\sqrt t$ | `LambdaLR` |
# | `staircase(lr0, factor, milestones, steps_per_epoch=1)` | $\alpha_0\cdot\text{factor}^{\,\text{milestones passed}}$ | `MultiStepLR` |
# | `every(lr0, factor, epochs, steps_per_epoch=1)` | $\alpha_0\cdot\text{factor}^{\,\lfloor\text{epoch}/\text{epochs}\rfloor}$ | `StepLR` |
# | `cosine(lr_max, steps, warmup=0, lr_min=0.0)` | first $\alpha_{\max}\,t/\text{warmup}$, then $\alpha_{\min} + \frac12(\alpha_{\max}-\alpha_{\min})\big(1+\cos\pi\frac{t-\text{warmup}}{\text{steps}-\text{warmup}}\big)$ | `LinearLR`, then `CosineAnnealingLR` |
# | `by_hand(rates)` | the rate of the stretch in which $t$ lies | `LambdaLR` |
# | `range_test(lr_min, lr_max, steps)` | $\alpha_{\min}\,(\alpha_{\max}/\alpha_{\min})^{(t-1)/(\text{steps}-1)}$ | `LambdaLR` |
#
# How far a constant rate hovers, in a valley of curvature $\lambda$ with gradient noise of variance $\sigma^2$:
# $V = \frac{\alpha\sigma^2}{\lambda\,(2-\alpha\lambda)}$, in the library
# `sgd_steady_state_variance(lr, curvature, noise_variance)`.
#
# {{links}}

# %% [markdown]
# ### Losses, and the parts of a network
#
# | | Rule | Week |
# |:--|:--|:--|
# | Softmax | $p_j = e^{z_j - \max z}\,/\sum_l e^{z_l - \max z}$ | [00.1] |
# | Cross-entropy | $J = -\frac1m\sum_i \log p_{i,y_i}$, $\quad dZ = (P - Y)/m$ with one-hot rows $Y$ | [00.1] |
# | Gradient check | $\frac{J(w+h)-J(w-h)}{2h}$ per parameter, $h \approx 10^{-4}$ | [00.1] |
# | Standardising | $\tilde x = (x-\mu)/\sigma$, with the training set's $\mu$ and $\sigma$, also for new data | [00.1] |
# | Perceptron | if $y_i\,(x_i\cdot w + b) \le 0$: $\ w \leftarrow w + y_i x_i$, $\ b \leftarrow b + y_i$, $\ y_i = \pm1$ | [00.2] |
# | Backprop, one hidden layer | $dW_2 = A_1^\top dZ_2$, $\ dZ_1 = dZ_2 W_2^\top \odot [Z_1 > 0]$, $\ dW_1 = X^\top dZ_1$; biases: column sums of $dZ$ | [00.2] |
# | Mini-batch gradient | $g = \frac1B\sum_{i\in\text{batch}}\nabla\ell_i$; variance $\propto \frac1B$; $\lceil m/B\rceil$ steps per epoch | [01] |
# | Safe learning rate | $\alpha < 2/L$, with the largest curvature $L$ | [00.1], [01] |
# | L2 penalty | $+\frac\lambda2\lVert W\rVert^2$ in the loss, $+\lambda W$ in the gradient, biases left out. (The lectures divide $\lambda$ by the batch size as well.) | [01], [10] |
# | Dropout, training | $\text{out} = a \odot \text{mask}$, mask $0$ with probability $r$, else $\frac1{1-r}$ | [10] |
# | Dropout, backward and inference | $da = d\text{out} \odot$ the same mask; at inference $\text{out} = a$ | [10] |
# | Batch norm, training | $\hat x = (x-\mu_B)/\sqrt{\sigma_B^2+\varepsilon}$, $\ \text{out} = \gamma\hat x + \beta$, per column | [11] |
# | Batch norm, backward | $dx = \frac{1}{\sqrt{\sigma_B^2+\varepsilon}}\big(h - \overline h - \hat x\,\overline{h\hat x}\big)$, $h = \gamma\,d\text{out}$; $\ d\gamma = \sum d\text{out}\,\hat x$, $\ d\beta = \sum d\text{out}$ | [11] |
# | Batch norm, record | $\mu \leftarrow d\,\mu + (1-d)\,\mu_B$, $\ \sigma^2 \leftarrow d\,\sigma^2 + (1-d)\frac{B}{B-1}\sigma_B^2$, $\ d = 0.9$ | [11] |
# | Batch norm, inference | $\text{out} = \gamma\,(x-\mu)/\sqrt{\sigma^2+\varepsilon} + \beta$ with the record | [11] |
#
# In the library: `dropout_forward(a, rate, rng)` and `batchnorm_forward(x, gamma, beta, eps=1e-5)` of
# `course_lib.networks`. In PyTorch: `torch.nn.Dropout(p=0.5)`, whose `p` is $r$, and
# `torch.nn.BatchNorm1d(eps=1e-5, momentum=0.1)`, whose `momentum` is $1-d$. (Keras's is $d$, and the paper on dropout
# writes $p$ for the probability to *keep*.)
#
# {{links}}

# %% [markdown]
# ## Glossary
#
# The Korean terms are those of the lecture notes (with their spellings); a dash means that the notes use the English
# word or none.
#
# ### Learning as going downhill
#
# | Term | Korean | Meaning | Week |
# |:--|:--|:--|:--|
# | Parameter, weight, bias | 가중치 (weight), 모수 (statistics) | A number of the model that training changes; weights multiply inputs, biases are added. | [00.1] |
# | Prediction | 예측값 | What the model says about an example, often a probability for each class. | [00.1] |
# | Softmax | — | The function that turns scores into positive numbers of sum 1, by exponentials divided by their sum. | [00.1] |
# | Loss | 손실함수 (loss function) | A number that says how bad the predictions are; training makes it small. | [00.1] |
# | Cost function | 비용 함수 | The loss averaged over a set of examples, with the penalty if there is one; here simply "the loss". | [01] |
# | Cross-entropy | — | The mean of $-\log p$, where $p$ is the probability given to the right class. | [00.1] |
# | Optimization | 최적화 | The search for parameters at which a function is as low as possible. | [00.1] |
# | Partial derivative | 편미분 | The slope of a function when one of its inputs changes and the others stay. | [00.1] |
# | Gradient | 기울기, 경사 | The vector of all partial derivatives; it points where the function rises fastest. | [00.1] |
# | Gradient descent | 경사 하강법 | Repeat: step against the gradient, by the learning rate times its length. | [00.1] |
# | Gradient ascent | 그래디언트 어센트 | The same with a plus, to make a function large; used on a likelihood. | [00.2] |
# | Random search (of parameters) | — | Try unrelated random parameters and keep the best. | [00.1] |
# | Random local search | — | Take a random step, and keep it if the loss has fallen. | [00.1] |
# | Learning rate | 학습률, 학습율 | The factor $\alpha$ between gradient and step. | [00.1] |
# | Overshooting | 오버슈팅 | A step so long that it lands higher on the other side of the valley. | [00.1], [04] |
# | Convergence | 수렴 | The parameters (or the loss) approach a limit as the steps go on. | [00.1], [07] |
# | Divergence | 발산 | The loss grows from step to step instead, as at learning rates above $2/L$. | [00.1] |
# | Condition number | — | The largest curvature divided by the smallest: how narrow the valley is, and how slow gradient descent. | [00.1], [04] |
# | Preprocessing, standardising | 전처리, standardization | Shift and scale each input column to mean 0 and standard deviation 1, by the training set's numbers. | [00.1] |
# | Gradient check | — | Compare a formula for the gradient with difference quotients. | [00.1] |
#
# ### Networks
#
# | Term | Korean | Meaning | Week |
# |:--|:--|:--|:--|
# | Likelihood | 가능도 | The probability of the observed data, seen as a function of the parameters. | [00.2] |
# | Maximum likelihood (MLE) | — | Choose the parameters under which the observed data are most probable. | [00.2] |
# | Bernoulli distribution | 베르누이 분포 | 1 with probability $\theta$, 0 otherwise: a toss of a coin. | [00.2] |
# | Perceptron | 퍼셉트론 | A unit that answers yes or no by the sign of a weighted sum; also Rosenblatt's rule to train it. | [00.2] |
# | Linearly separable | — | Some straight line (or flat plane) has one class on each side; AND and OR are, XOR is not. | [00.2] |
# | Activation function | 액티베이션 함수 | The function applied to a unit's weighted sum, such as ReLU, $\max(0, z)$. | [00.2] |
# | Layer, hidden layer | 레이어 | Units side by side; hidden if neither input nor output. | [00.2] |
# | Multi-layer perceptron (MLP) | 다층 퍼셉트론, 다층 신경망 | Layers of units one after the other, each unit wired to all of the layer before. | [00.2] |
# | Fully connected (dense) | — | No edge between two neighbouring layers is missing. | [00.2] |
# | ANN, DNN, CNN, RNN | 신경망 | Artificial neural network, the name for all; deep: two or more hidden layers; convolutional: shared weights over patches of an image; recurrent: a layer used again at every time step. | [00.2] |
# | Forward propagation | — | Computing the outputs from the inputs, layer by layer. | [00.2] |
# | Backpropagation | 오차역전파 | Computing all derivatives of the loss by the chain rule, from the last layer to the first; it moves no weight. | [00.2] |
# | Automatic differentiation | 자동미분 | A library records the forward pass and does backpropagation by itself; in PyTorch for every tensor with `requires_grad=True` (the `Variable` of old is not needed any more). | [12] |
# | Tensor | 텐서 | PyTorch's array. `torch.tensor` takes the dtype of its data or the one that you name, `torch.Tensor` always gives float32. | [12] |
#
# ### Batches
#
# | Term | Korean | Meaning | Week |
# |:--|:--|:--|:--|
# | Batch gradient descent | 배치 경사 하강법 | Every step uses the gradient over all examples. | [01] |
# | Mini-batch | 미니 배치 | The few examples whose gradient makes one step. | [01] |
# | Stochastic gradient descent (SGD) | 확률적 경사하강법 | Steps with the gradient of random examples; strictly of one at a time, in libraries of a mini-batch. | [01] |
# | Batch size | 배치사이즈 | How many examples are in a mini-batch. | [01] |
# | Iteration | 이터레이션 | One update of the parameters. | [01] |
# | Epoch | epoch | One pass over the training set, in $\lceil m/B\rceil$ iterations. | [01] |
# | Vectorisation | 벡터화 | One array operation in place of a loop over examples. | [01] |
# | Gradient noise | 노이즈 | The difference between a mini-batch's gradient and that of all examples; its variance falls like $1/B$. | [01] |
#
# ### Averages
#
# | Term | Korean | Meaning | Week |
# |:--|:--|:--|:--|
# | Moving average | 이동 평균 | An average over recent values that moves along with the series. | [02] |
# | Exponentially weighted average (EMA) | 지수 가중 평균, 지수 가중 이동 평균 | The moving average whose weights fall by the factor $\beta$ per step of age. | [02] |
# | Lag | — | How late an average follows a change: $\beta/(1-\beta)$ steps. | [02] |
# | Half-life | — | The age at which a weight has fallen to a half. | [02] |
# | Bias (of an average) | 편향 | The systematic error; here that an average started at 0 is too low at first. (A unit's additive parameter is a different bias.) | [03] |
# | Bias correction | 편향 보정 | Dividing by $1-\beta^t$, the weight that the values so far have. | [03] |
#
# ### Optimizers
#
# | Term | Korean | Meaning | Week |
# |:--|:--|:--|:--|
# | Oscillation | 진동 | Swinging from wall to wall across a ravine. | [04] |
# | Momentum | 관성 | Stepping along an average of the gradients, which keeps the direction that they share. | [04] |
# | Velocity | 속도 | That average, $v$. | [04] |
# | Friction | 마찰력 | What $\beta < 1$ does to the rolling ball: without a push, $v$ fades. | [04] |
# | Nesterov's momentum | — | Momentum with the gradient taken where the velocity is about to lead. | [04] |
# | Spectral radius | — | The largest absolute eigenvalue of the step's matrix: the factor by which the distance shrinks per step in the long run. | [04] |
# | AdaGrad | — | Each coordinate's step is divided by the root of its summed squared gradients. | [05] |
# | RMSprop | — | The same with a running mean in place of the sum. | [05] |
# | Preconditioning | — | Rescaling the coordinates so that the valley becomes rounder. | [05] |
# | Adam | — | Adaptive moment estimation: averages of gradient and squared gradient, both corrected, the first divided by the root of the second. | [06] |
# | Moment (first, second) | — | The mean of the gradient, and the mean of its square. | [06] |
# | Weight decay | — | Shrinking the weights by a small share at every step; with SGD, but not with Adam, the same as an L2 penalty. | [06], [10] |
# | Learning-rate decay | 학습율 감쇠 | Making the learning rate smaller as training goes on. | [07] |
# | Staircase (discrete) decay | 이산 감쇠 | Decay in jumps, with constant stretches between. | [07] |
# | Warm-up | — | A short rise of the learning rate at the start. | [07] |
# | Range test | — | One run with a growing learning rate, to see where training begins to fail. | [07] |
#
# ### The landscape
#
# | Term | Korean | Meaning | Week |
# |:--|:--|:--|:--|
# | Global minimum | 최저점, 최적점 | A point than which none is lower; its height need not be 0. | [00.1], [08] |
# | Local minimum, local optimum | 지역 최적값 | A point than which none *nearby* is lower. | [08] |
# | Critical point | — | A point where the gradient is 0: minimum, maximum, or saddle. | [08] |
# | Hessian, curvature | — | The matrix of second derivatives; its eigenvalues are the curvatures along its axes. | [08] |
# | Saddle point | 안장점 | A critical point from which some directions lead up and some down. | [08] |
# | Plateau | plateaus | A wide region where the gradient is nearly 0. | [08] |
#
# ### Choosing and judging
#
# | Term | Korean | Meaning | Week |
# |:--|:--|:--|:--|
# | Hyperparameter | 하이퍼파라미터, 하이퍼 파라미터 | A setting that gradient descent does not learn, such as $\alpha$ or the number of layers. | [09] |
# | Grid search | — | Trying all combinations of a few values of each setting. | [09] |
# | Random search (of settings) | — | Trying settings drawn at random, each on its own scale. | [09] |
# | Log-uniform | — | Drawn so that the logarithm is uniform: every factor of ten gets the same share. | [09] |
# | Coarse to fine | — | Searching a wide range first, then again where the best few were. | [09] |
# | Successive halving | — | Training many settings a little, keeping the best, and training those longer. | [09] |
# | Training, dev (validation), test set | 트레이닝 셋, 디벨롭먼트 셋, 벨리데이션 셋, 테스트 셋 | Examples for the gradients; for choices; for one last judgement. | [10] |
# | Over-fitting | 오버피팅 | Fitting accidents of the training set, so that new data are judged worse than they could be. | [10] |
# | Generalisation gap | — | The error on new data minus that on the training set. | [10] |
# | Regularisation | 정규화 | Anything that makes a model fit its training set less closely so that it does better on new data. | [10] |
# | Normalisation | 정규화 (the same word!) | Shifting and scaling numbers to a common mean and spread. | [00.1], [11] |
# | Early stopping | — | Ending when the dev loss has not fallen for some time, and going back to the best parameters. | [10] |
# | Dropout | 생략 (dropout) | Setting random units to 0 in each training step, and scaling the others up. | [10] |
# | Co-adaptation | — | Units that are useful only in the company of particular others. | [10] |
# | Batch normalisation | 배치 노말리제이션 | Standardising each unit over the mini-batch, then scaling and shifting it by learned parameters. | [11] |
# | MNIST | — | A data set of 70,000 images of handwritten digits, 28 × 28 pixels. | [12] |
#
# {{links}}

# %% [markdown]
# ## What the notes get wrong
#
# The course follows five sets of Korean lecture notes:
#
# - **A**: *Optimization Algorithms*, week 2 of a specialization on deep learning
# - **B**: *Batch normalization for speed*, which is about hyperparameters
# - **C**: *Week 10*, the lectures of A once more, with pseudocode
# - **D**: *Optimization, loss function, gradient descent, backpropagation, SGD, neural network*
# - **E**: a talk that reviews *Deep learning for everyone 2*, lectures 10 to 13
#
# Most of what they say is right, and we are grateful for them. What is not, or not always, stands here: in our words,
# with the experiment that shows it. Names such as `claim_epochs` are questions of that week, which you decide yourself
# before you are told. So if you would rather be surprised, read on after the week.
#
# ### Foundations
#
# | The notes say | Notes | What is true | Shown in |
# |:--|:--|:--|:--|
# | Gradient descent finds the global minimum. | D | It finds the bottom of the valley in which it starts. | [00.1] § 9, `claim_global_minimum`: with two valleys, 54 % of 1,000 starts end in the deeper one |
# | More epochs help against being stuck in a local minimum. | E | Not by themselves: a start keeps its valley. | the same experiment, 400 steps each |
# | The global minimum is where the loss becomes 0. | D | It is the lowest point, at whatever height. (A loss that is never negative and does reach 0 has its minimum there.) | [00.1] § 9, `claim_zero_loss`: the lowest loss on the tumours is 0.11769 |
# | A learning rate of 0.1 is a good default. | D | It depends on the units of the data. | [00.1] § 9, `claim_rate_tenth`: best rates from 3e-06 to 3e+01 on four tables |
# | Random local search is far less efficient than gradient descent. | D | In high dimensions. In two it is about as good. | [00.1] § 4, § 6, `claim_local_search`: with 2 dials 2.0e-04 above the lowest point, gradient descent 2.3e-04 or 3.8e-04, depending on the rate; with 650 dials a loss of 0.35 against 0.09 |
# | The steepest way down is the fastest way to the minimum. | D | Only in a round bowl. In a ravine it swings from wall to wall. | [04] § 6: condition number 1,000, 7,311 steps; with momentum 321 |
# | The larger the loss, the more the weights are corrected. | D | With cross-entropy. With the squared error after a sigmoid, a hopelessly wrong example is hardly corrected. | [00.2] § 10, `claim_larger_loss` |
# | Backpropagation updates the weights, or is the way down itself. | D, E | It computes derivatives. What is done with them is the optimizer's business. | [00.2] § 7, `mlp_backward` |
# | An ANN has one hidden layer. | D | The name stands for all neural networks. | [00.2] § 6 |
# | Maximum likelihood always over-fits. | E | It depends on the data per parameter. | [00.2] § 10, `claim_mle_overfits`: after 3 tosses 28 % of the estimates are infinitely wrong, after 3,000 the loss is 0.0002 too high |
# | A perceptron on XOR gets half of the examples right. | E | It cannot get all four. Three it can; the 0.5 was a tie. | [00.2] § 10, `claim_xor_half`: 13 % of random lines get three right |
# | With four layers XOR is learnt faster than with two. | E | It depends on the units and the rates. | [00.2] § 8, `claim_deeper_faster`: with sigmoids 2,700 steps instead of 130, with ReLU 20 instead of 22 |
# | Standardising makes the data normally distributed. | E | It shifts and stretches. The shape of the distribution stays. | [00.1] § 8, `standardize` |
# | Standardising prevents over-fitting to the column with large numbers. | E | It makes the minimum easier to find, and the same model can be said in both units. | [00.1] § 8, § 9, `claim_same_ability`: the condition number falls from 2.1e+09 to 1.4, the scores agree to 1e-9 |
#
# ### Mini-batches
#
# | The notes say | Notes | What is true | Shown in |
# |:--|:--|:--|:--|
# | One pass with 5,000 mini-batches is 5,000 epochs. | A | It is one epoch of 5,000 iterations. | [01] § 9, `claim_epochs` |
# | With the full batch the loss falls at every step. | A, C | While $\alpha < 2/L$. | [01] § 9, `claim_every_step`: it rose in 18 of 60 steps at rate 6, and in 0 of 60 at 0.3 |
# | Up to 2,000 examples, mini-batches bring nothing. | A, C | They bring much; one only need not care. | [01] § 8, `claim_small_sets`: 1,437 digits, 2.7 passes to the target with batches of 64, 44.0 with the full batch |
# | Batch sizes that are powers of two run faster. | A, C | It depends on the machine. Here 64 is no faster than its neighbours. | [01] § 9, `claim_powers_of_two`: timed on your computer |
# | With very small batches one never converges. | A, C | At a constant rate. A falling rate converges. | [01] § 9, `claim_never_converges`: 2e-02 above the minimum at rate 0.5, 2e-03 at 0.1, 4e-04 with decay |
# | The loop runs `len(X) / batch_size` times. | C | Rounded *up*, for the short last batch. | [01] § 4, `steps_per_epoch`: 1,437 images make 23 batches of 64, the last one of 29 |
#
# ### Averages
#
# | The notes say | Notes | What is true | Shown in |
# |:--|:--|:--|:--|
# | $v_{100} = 0.1\,v_{99} + 0.1\,\theta_{100}$ | A | A slip: $0.9\,v_{99} + 0.1\,\theta_{100}$, or the weights do not add up to 1. | [02] § 4, `ema_weights` |
# | $(1-\varepsilon)^{1/\varepsilon} = 1/e$ | C | A limit for $\varepsilon \to 0$. | [02] § 8, `claim_one_over_e`: $0.9^{10} = 0.3487$, which is 5.2 % below $1/e$ |
# | $v_t$ is the average over $1/(1-\beta)$ days. | A (about), C | Its weights fade, they do not end. | [02] § 5, § 8, `claim_plain_mean`: 65.1 % of the weight is on the last ten days, and the two differ by up to 3.0 °C |
# | $\beta = 0.9$ gives a better average than 0.5 and 0.98. | C | It depends on noise and trend. | [02] § 7, § 8, `claim_more_days`: for tomorrow's temperature 0.1 is best, for the next mini-batch's loss 0.9 |
# | In $1-\beta^t$, $t$ is the day of the week. | A | The number of the day, from 1 and without end. | [03] § 2, `ema_bias_corrected` |
# | Usually one need not care about bias correction. | A | It depends on the run's length and on $\beta$. | [03] § 7, `claim_nobody_needs`: $\beta = 0.999$ lacks 79.4 % after 230 updates |
# | After ten steps the correction hardly matters. | C | At $\beta = 0.9$ it takes 44 steps to 1 %. | [03] § 4, `claim_ten_steps`: 34.9 % low after ten |
#
# ### Momentum
#
# | The notes say | Notes | What is true | Shown in |
# |:--|:--|:--|:--|
# | Momentum is (always) faster than gradient descent. | A, C | Where curvature limits the rate and noise does not. | [04] § 8, § 10, `claim_always_faster`: at noise 30 the two are equal (1.0 times), and on a kinked convex loss it circles for ever |
# | It lowers the noise of gradient descent. | A | Not where it ends up, at the same $\alpha$. | [04] § 8: at rate 0.05 both hover at 0.025 |
# | Without the factor $1-\beta$, $\alpha$ must be $1/(1-\beta)$. | C | $\alpha\,(1-\beta)$: a factor, not the rate, and the other way round. | [04] § 10, `claim_reciprocal_rate`: the average at rate 0.1 is the heavy ball at 0.030 |
# | The larger $\beta$, the narrower the swing. | C | Only up to a point; then the ball rings for longer. | [04] § 10, `claim_larger_beta_calmer`: 7 steps at 0.2, 911 at 0.99 |
# | Bias correction is not needed here. | A, C | It helps with $\beta$ near 1 and few steps, and harms at large rates. | [04] § 10, `claim_correction_useless`: distance 0.14 instead of 0.36, and 3,427 instead of 3.8 |
#
# ### RMSprop
#
# | The notes say | Notes | What is true | Shown in |
# |:--|:--|:--|:--|
# | RMSprop takes the swing out of a ravine. | A, C | If the ravine lies along an axis. | [05] § 7, `claim_rmsprop_ravine`: 4 steps at 0°, 124 at 45° (momentum: 86 at any angle) |
# | One can raise the rate without *over-fitting*. | A | Over*shooting* is meant. | [00.1] § 7 on too large a rate, [10] § 4 on over-fitting |
# | The large gradient is made smaller, the small one hardly changes. | A | Both are brought to the same length: small ones grow. | [05] § 3: with the loss times 0.001, 1 or 1,000 it ends at 0.15 |
# | One *multiplies* by $10^{-8}$ to avoid a division by zero. | A | It is added to the denominator. | [05] § 6: without it, 30 of 650 parameters are NaN after one step |
# | $\varepsilon = 10^{-8}$ is added to $S$. | C | Inside the root it is another number: $10^{-8}$ there is $10^{-4}$ outside. | [05] § 6, `claim_rmsprop_eps`: with a loss 10,000 times smaller 1.89 instead of 0.07 |
# | $\varepsilon$ is of no importance. | A | Not while gradients are far above it. Below, it decides. | [05] § 6: from $\varepsilon = 0.1$ on the best rate grows with it, to 5 at $\varepsilon = 10$: it has become gradient descent |
# | Jeff Hinton proposed it some years ago. | A | Geoffrey Hinton, in his course of 2012. | [05], sources |
#
# ### Adam
#
# | The notes say | Notes | What is true | Shown in |
# |:--|:--|:--|:--|
# | `W - A*V_corrected / \root(S_corrected) + E` | C | A slip: $\varepsilon$ belongs to the denominator, not to the quotient. | [06] § 4: 711 of 2,410 parameters are NaN after one step |
# | Adam is momentum plus RMSprop. | A, C | Side by side, not one after the other: $s$ averages the raw gradient's square. | [06] § 9, `claim_momentum_then_rmsprop`: in pure noise the root mean square of Adam's step is 0.23 lr, of the chain's 1.00 |
# | SGD is slow and accurate, Adam fast and rough. | D | Tuned, they end about equal here, and who is early is not rougher. | [06] § 8, `claim_adam_beats_sgd`: median losses 0.139 and 0.137; [12] § 9, `claim_fast_but_rough` |
# | Use Adam for ten epochs, then SGD. | D | The epoch depends on the problem, and a smaller Adam rate does the same. | [06] § 9, `claim_switch_at_ten`: lower than Adam alone on 2 of 5 seeds |
#
# ### Learning-rate decay
#
# | The notes say | Notes | What is true | Shown in |
# |:--|:--|:--|:--|
# | Decay makes training faster. | A, C | To a close target. To a loose one it saves nothing. | [07] § 11, `claim_decay_faster`: 60 updates either way to a height of 0.1; to 0.003, 570 or never |
# | $\alpha = \frac{k}{\text{epoch}}\,\alpha_0$, beside a formula that counts epochs from 0 | C | It needs epochs from 1. (The lectures have $\sqrt{\text{epoch}}$.) | [07] § 11, `claim_k_over_epoch`: the first rate is infinite |
# | In $k/\sqrt t$, $t$ is how many mini-batches there are. | C | It is the number of the current step, and goes on growing. | [07] § 2, § 6, `sqrt_decay` |
#
# ### Local optima
#
# | The notes say | Notes | What is true | Shown in |
# |:--|:--|:--|:--|
# | It is hard not to fall into a local minimum. (A and C already say otherwise.) | D | For networks that are not tiny, it hardly happens. | [08] § 2, `claim_local_optima`: from 16 units on, 10 of 10 starts reach a low loss; with 2 units none |
# | One hardly leaves the surroundings of a saddle. | C | Any offset grows exponentially; only exactly on the line one stays. | [08] § 6, `claim_saddle_traps`: from an offset of 1e-09 it takes 194 steps |
# | Adam and RMSprop get you out. | C | They are fastest, but all four optimizers crossed. | [08] § 7, `claim_only_adam_plateau`: 15 steps RMSprop, 24 Adam, 67 Momentum, 128 gradient descent |
#
# ### Hyperparameters
#
# | The notes say | Notes | What is true | Shown in |
# |:--|:--|:--|:--|
# | 9.8 % of uniform draws from 0.0001 to 1 lie below 0.1. | B | $0.0999/0.9999 = 9.99\,\%$. (The 75 % on the log scale are right.) | [09] § 10, `claim_nine_point_eight`: 10.02 % of a million, give or take 0.03 % |
# | The exponent $\gamma$ lies in $[0.0001, 1]$. | B | In $[-4, 0]$, as the same page says later. | [09] § 4, `sample_log_uniform` |
# | A batch of 512 instead of 256 is worth 1 %. | B | Only at a fixed rate. With each its own best rate, nothing is left of it. | [09] § 10, `claim_doubling_batch` |
# | Random beats grid because any value may come. | B | Because $n$ trials try $n$ values of each setting, a grid $n^{1/d}$; so it needs settings that do not matter. | [09] § 3, `claim_grid_thorough`: 1 of 2 settings matters: 0.97 against the grid's 0.81; both matter: 0.47 against 0.65 |
# | Coarse to fine is what batch normalisation extends. | B | The two have nothing to do with each other. | [11] § 9, `claim_bn_coarse_to_fine`: with eight layers good rates widen from 0.03 … 0.3 to 0.03 … 3 |
#
# ### Generalisation and batch normalisation
#
# | The notes say | Notes | What is true | Shown in |
# |:--|:--|:--|:--|
# | Where the validation loss begins to rise, the model gets worse. | E | As a judge of probabilities; in accuracy, it depends on the data. | [10] § 4, `claim_rising_dev_loss`: with wrong labels from 84 % to 77 %, with right ones 91 % and 91 % |
# | The test set tells whether one over-fits, and sometimes a dev set is used too. | E | What is used for choosing is a dev set, whatever its name. | [10] § 3, `claim_dev_is_test`: the best of 40 is 5.5 points too good on 50 images |
# | Dropout trains one part until it over-fits, then another part. | E | A new random part for every example at every step. | [10] § 8: the full network's loss equals that of the vote (by log p) of 200 thinned ones to 0.00 |
# | Avoiding co-adaptation means not to be influenced by biased values. | E | It means that units work without particular other units. | [10] § 8: with three quarters of the units removed, 76 % right instead of 61 % |
# | Batch normalisation is for speed. | B | In updates, and in deep networks. An update costs more, and a shallow network only pays for it. | [11] § 6, `claim_bn_speed`: eight layers, five epochs, a low loss on 5 of 5 seeds instead of 0 of 5; in the same time without it, 15 epochs, on 5 of 5 as well |
# | In training, a mini-batch is normalised by running averages. | B | By its own mean and variance; the averages are for inference. | [11] § 9, `claim_bn_averages_in_training`: 0.4034, not 0.3371 |
# | Mean and variance are taken over all inputs of a layer. | E | Over the batch, for each unit separately. | [11] § 2, `batchnorm_forward` |
# | Dropout and batch normalisation are two kinds of 정규화. | E | The word means both regularisation (dropout) and normalisation (batch norm). | [10] § 8, [11] § 2 |
# | MNIST is a simple algorithm. | E | It is a data set. | [12] § 11 |
#
# {{links}}

# %% [markdown]
# ## Where each topic of the notes went
#
# Every heading of the five notes, in their order. B and D mark some headings only by their place, and E is a talk without
# headings, of which all topics are listed.
#
# ### Notes A
#
# | Heading | Where | Exercises |
# |:--|:--|:--|
# | Optimization Algorithms (2주차) 정리 | [01] to [08] | |
# | Mini-batch Gradient Descent | [01] § 1, § 2, § 4 | `steps_per_epoch`, `iterate_minibatches` |
# | Understanding Mini-batch Gradient Descent | [01] § 3, § 6, § 7, § 8, § 9 | `train_epoch`, `gradient_noise` |
# | Exponentially Weighted Averages | [02] § 1, § 2, § 3 | `ema`, `best_beta` |
# | Understanding Exponentially Weighted Averages | [02] § 4, § 5, § 6, § 8 | `ema_weights`, `effective_window`, `ema_many` |
# | Bias Correction in Exponentially Weighted Averages | [03] § 1, § 2, § 4, § 7 | `ema_bias_corrected`, `correction_steps`, `debiased_weights`, `StreamingEMA` |
# | Gradient Descent with Momentum | [04] § 1, § 2, § 3, § 4, § 10 | `momentum_step`, `convert_learning_rate` |
# | RMSprop | [05] § 2, § 6, § 7 | `rmsprop_step`, `rotate_quadratic` |
# | Adam Optimization Algorithm | [06] § 2, § 4, § 9 | `adam_step`, `step_bound` |
# | Learning Rate Decay | [07] § 1, § 3, § 5, § 6 | `inverse_time_decay`, `exponential_decay`, `sqrt_decay`, `staircase_decay` |
# | The Problem of Local Optima | [08] § 2, § 5, § 6 | `probability_of_minimum`, `classify_critical_point`, `escape_steps` |
# | 알아둬야할 사실 (what to remember) | [08] § 7, § 9 | |
#
# ### Notes B
#
# | Heading | Where | Exercises |
# |:--|:--|:--|
# | 빠른 속도를 위한 Batch Normalization | [11] | `batchnorm_forward`, `batchnorm_backward` |
# | Hyperparameter tuning | [09] | |
# | Tuning process | [09] § 2, § 6, § 10 | |
# | Info Notice (what a GPU machine costs) | [09] § 6 | |
# | Using an appropriate scale to pick hyperparameters | [09] § 4, § 5 | `sample_log_uniform`, `sample_beta` |
# | Picking hyperparameters at random | [09] § 5 | `random_search` |
# | Try random values: Don't use a grid | [09] § 3, § 6 | `random_search` |
# | Coarse to fine | [09] § 7, [11] § 9 | `coarse_to_fine` |
# | Appropriate scale for hyperparameters | [09] § 4, § 10 | `sample_log_uniform` |
# | Info Notice (an exam question) | [09] § 11 | |
# | Danger Notice (start from published values) | [09] § 2 | |
#
# ### Notes C
#
# | Heading | Where | Exercises |
# |:--|:--|:--|
# | 10주차 (week 10) | [01] to [08] | |
# | 미니 배치 경사 하강법 | [01] § 1, § 2, § 4, § 5 | `steps_per_epoch`, `iterate_minibatches`, `minibatch_loss_and_gradient` |
# | 미니 배치 경사 하강법 이해하기 | [01] § 2, § 3, § 6, § 7, § 8 | `train_epoch`, `gradient_noise` |
# | 지수 가중 이동 평균 | [02] § 2, § 3 | `ema`, `best_beta` |
# | 지수 가중 이동 평균 이해하기 | [02] § 4, § 5, § 8 | `ema_weights`, `effective_window`, `ema_many` |
# | 지수 가중 이동 평균의 편향보정 | [03] § 1, § 2, § 4 | `ema_bias_corrected`, `correction_steps` |
# | Momentum 최적화 알고리즘 | [04] § 1, § 2, § 3, § 4, § 10 | `momentum_step`, `convert_learning_rate` |
# | RMSProp 최적화 알고리즘 | [05] § 2, § 6, § 7 | `rmsprop_step` |
# | Adam 최적화 알고리즘 | [06] § 2, § 4 | `adam_step` |
# | 학습율 감쇠 | [07] § 2, § 6, § 11 | `inverse_time_decay`, `exponential_decay`, `sqrt_decay`, `staircase_decay` |
# | 지역 최적값 문제 | [08] § 4, § 6, § 7, § 9 | `classify_critical_point`, `escape_steps` |
# | Quiz | [01] § 8, § 10 | |
# | 캐글 필사 (a PyTorch training loop) | [12] § 2 | `training_loop` |
#
# ### Notes D
#
# | Heading | Where | Exercises |
# |:--|:--|:--|
# | Optimization / Loss Function / Gradient Descent / Back Propagation / SGD / Neural Network | [00.1], [00.2] | |
# | Optimization, Loss Function, Gradient Descent, Back Propagation: 다 연결된 개념 (all connected) | [00.1] § 1, § 3, § 5 | |
# | 요점정리 (summary): Optimization | [00.1] § 4 | |
# | 요점정리: Loss Function | [00.1] § 3, § 4 | `cross_entropy` |
# | 요점정리: Gradient Descent | [00.1] § 5, § 6, § 9 | `softmax_regression_gradient` |
# | 요점정리: Back Propagation | [00.2] § 7, § 10 | `mlp_backward` |
# | Optimization – CNN에서 굉장히 중요한 개념 | [00.1] § 4, § 9; [08] § 2 | `numerical_gradient` |
# | Optimization 1) Random Search | [00.1] § 4, § 6 | |
# | Optimization 2) Random Local Search | [00.1] § 4, § 6, § 9 | |
# | Optimization 3) Gradient Descent | [00.1] § 4, § 5, § 6 | `numerical_gradient`, `softmax_regression_gradient` |
# | Gradient Descent 경사 하강법 | [00.1] § 5 | `softmax_regression_gradient` |
# | Stochastic Gradient Descent = SGD & Learning Rate | [00.1] § 7, [01] § 7, [07] § 4 | `gradient_noise`, `sgd_steady_state_variance` |
# | Epoch 개념 | [01] § 2, [12] § 3 | `steps_per_epoch`, `read_log` |
# | Optimizer Selection | [06] § 7, § 8, [12] § 5, § 9 | `train_with_switch`, `leaderboard` |
# | Neural Network: ANN, DNN, CNN, RNN | [00.2] § 6 | |
# | Fully Connected Network | [00.2] § 6 | `mlp_forward` |
# | Back Propagation => CNN에서 가장 중요한 개념 | [00.1] § 2, § 3; [00.2] § 7 | `softmax`, `cross_entropy`, `mlp_backward` |
# | Linear Classification을 Neural Network로 나타내기 | [00.1] § 2, [00.2] § 6 | `mlp_forward` |
#
# ### Notes E
#
# | Topic, in the order of the talk | Where | Exercises |
# |:--|:--|:--|
# | 모두의 딥러닝 2, Lec 10 ~ 13 review (title, contents) | [00.1], [00.2], [10] to [12] | |
# | Maximum likelihood, Bernoulli, gradient ascent | [00.2] § 2, § 3 | `bernoulli_gradient_ascent` |
# | Over-fitting; training, development and test set | [10] § 2, § 3 | `split` |
# | Validation loss that rises | [10] § 4 | |
# | Remedies: more data, fewer features, regularisation | [10] § 6, § 9 | |
# | Early stopping, a smaller network, weight decay | [10] § 5, § 6, § 7 | `early_stopping`, `l2_penalty_and_gradient` |
# | Learning rate too large or too small | [00.1] § 7, [07] § 10 | |
# | Preprocessing by standardising | [00.1] § 8 | `standardize` |
# | Regularisation of the weights, in code | [01] § 5, [10] § 7 | `minibatch_loss_and_gradient`, `l2_penalty_and_gradient` |
# | MNIST; torchvision | [12] § 11 (through scikit-learn) | |
# | Epoch | [01] § 2, [12] § 3 | `steps_per_epoch`, `read_log` |
# | Batch size | [01] § 8, [12] § 3 | `read_log` |
# | Iteration | [01] § 2, [12] § 3 | `steps_per_epoch`, `read_log` |
# | MNIST step by step: read, softmax, test, show mistakes | [00.1] § 2, § 6; [12] § 2, § 8 | `softmax`, `training_loop`, `confusion_matrix` |
# | Perceptron: neuron, weights, bias, activation | [00.2] § 4 | `perceptron_epoch` |
# | OR, AND, XOR | [00.2] § 1, § 3, § 4, § 5 | `perceptron_epoch`, `xor_by_hand` |
# | XOR with one layer: accuracy 0.5 | [00.2] § 3, § 10 | |
# | Multi-layer perceptron; backpropagation and gradient descent | [00.2] § 6, § 7 | `mlp_forward`, `mlp_backward` |
# | The five parts of a training step | [00.2] § 7, [12] § 2 | `mlp_backward`, `training_loop` |
# | XOR with two layers | [00.2] § 5, § 8 | `xor_by_hand` |
# | XOR with four layers | [00.2] § 8 | |
# | Limits of the MLP on images, CNN | [00.2] § 9 | |
# | Dropout | [10] § 8 | `dropout_forward`, `dropout_backward` |
# | Batch normalisation | [11] § 2, § 3, § 4 | `batchnorm_forward`, `batchnorm_backward`, `update_running_stats`, `batchnorm_inference`, `fold_batchnorm` |
# | The speaker's own plan: to tell handwritings apart | left to you; [12] is the place to start from | |
#
# {{links}}
